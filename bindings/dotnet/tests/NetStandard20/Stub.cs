// The types that the packages Microsoft.Bcl.AsyncInterfaces and System.Threading.Tasks.Extensions add to .NET Standard 2.0, as far as
// a compiler needs them. run_tests.sh compiles the library against this stub, to find uses of what .NET Standard 2.0 and the packages
// lack. It is not part of a package, and its methods do nothing.

namespace System
{
    using System.Threading.Tasks;

    public interface IAsyncDisposable
    {
        ValueTask DisposeAsync();
    }
}

namespace System.Collections.Generic
{
    using System.Threading;
    using System.Threading.Tasks;

    public interface IAsyncEnumerable<out T>
    {
        IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default);
    }

    public interface IAsyncEnumerator<out T> : IAsyncDisposable
    {
        T Current { get; }

        ValueTask<bool> MoveNextAsync();
    }
}

namespace System.Threading.Tasks
{
    using System.Collections.Generic;
    using System.Runtime.CompilerServices;
    using System.Threading.Tasks.Sources;

    [AsyncMethodBuilder(typeof(AsyncValueTaskMethodBuilder))]
    public readonly struct ValueTask : IEquatable<ValueTask>
    {
        public ValueTask(Task task) => throw null;

        public ValueTask(IValueTaskSource source, short token) => throw null;

        public bool IsCanceled => throw null;

        public bool IsCompleted => throw null;

        public bool IsCompletedSuccessfully => throw null;

        public bool IsFaulted => throw null;

        public Task AsTask() => throw null;

        public ConfiguredValueTaskAwaitable ConfigureAwait(bool continueOnCapturedContext) => throw null;

        public override bool Equals(object obj) => throw null;

        public bool Equals(ValueTask other) => throw null;

        public ValueTaskAwaiter GetAwaiter() => throw null;

        public override int GetHashCode() => throw null;

        public ValueTask Preserve() => throw null;
    }

    [AsyncMethodBuilder(typeof(AsyncValueTaskMethodBuilder<>))]
    public readonly struct ValueTask<TResult> : IEquatable<ValueTask<TResult>>
    {
        public ValueTask(TResult result) => throw null;

        public ValueTask(Task<TResult> task) => throw null;

        public ValueTask(IValueTaskSource<TResult> source, short token) => throw null;

        public bool IsCanceled => throw null;

        public bool IsCompleted => throw null;

        public bool IsCompletedSuccessfully => throw null;

        public bool IsFaulted => throw null;

        public TResult Result => throw null;

        public Task<TResult> AsTask() => throw null;

        public ConfiguredValueTaskAwaitable<TResult> ConfigureAwait(bool continueOnCapturedContext) => throw null;

        public override bool Equals(object obj) => throw null;

        public bool Equals(ValueTask<TResult> other) => throw null;

        public ValueTaskAwaiter<TResult> GetAwaiter() => throw null;

        public override int GetHashCode() => throw null;

        public ValueTask<TResult> Preserve() => throw null;
    }

    public static class TaskAsyncEnumerableExtensions
    {
        public static ConfiguredAsyncDisposable ConfigureAwait(this IAsyncDisposable source, bool continueOnCapturedContext) => throw null;

        public static ConfiguredCancelableAsyncEnumerable<T> ConfigureAwait<T>(this IAsyncEnumerable<T> source, bool continueOnCapturedContext) => throw null;

        public static ConfiguredCancelableAsyncEnumerable<T> WithCancellation<T>(this IAsyncEnumerable<T> source, CancellationToken cancellationToken) => throw null;
    }
}

namespace System.Threading.Tasks.Sources
{
    using System.Threading.Tasks;

    [Flags]
    public enum ValueTaskSourceOnCompletedFlags
    {
        None,
        UseSchedulingContext,
        FlowExecutionContext,
    }

    public enum ValueTaskSourceStatus
    {
        Pending,
        Succeeded,
        Faulted,
        Canceled,
    }

    public interface IValueTaskSource
    {
        void GetResult(short token);

        ValueTaskSourceStatus GetStatus(short token);

        void OnCompleted(Action<object> continuation, object state, short token, ValueTaskSourceOnCompletedFlags flags);
    }

    public interface IValueTaskSource<out TResult>
    {
        TResult GetResult(short token);

        ValueTaskSourceStatus GetStatus(short token);

        void OnCompleted(Action<object> continuation, object state, short token, ValueTaskSourceOnCompletedFlags flags);
    }

    public struct ManualResetValueTaskSourceCore<TResult>
    {
        public bool RunContinuationsAsynchronously { get; set; }

        public short Version => throw null;

        public TResult GetResult(short token) => throw null;

        public ValueTaskSourceStatus GetStatus(short token) => throw null;

        public void OnCompleted(Action<object> continuation, object state, short token, ValueTaskSourceOnCompletedFlags flags) => throw null;

        public void Reset() => throw null;

        public void SetException(Exception error) => throw null;

        public void SetResult(TResult result) => throw null;
    }
}

namespace System.Runtime.CompilerServices
{
    using System.Collections.Generic;
    using System.Threading;
    using System.Threading.Tasks;

    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Interface | AttributeTargets.Delegate | AttributeTargets.Enum)]
    public sealed class AsyncMethodBuilderAttribute : Attribute
    {
        public AsyncMethodBuilderAttribute(Type builderType) => throw null;

        public Type BuilderType => throw null;
    }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class AsyncIteratorStateMachineAttribute : StateMachineAttribute
    {
        public AsyncIteratorStateMachineAttribute(Type stateMachineType) : base(stateMachineType)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Parameter)]
    public sealed class EnumeratorCancellationAttribute : Attribute
    {
    }

    public struct AsyncIteratorMethodBuilder
    {
        public static AsyncIteratorMethodBuilder Create() => throw null;

        public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
            where TAwaiter : INotifyCompletion where TStateMachine : IAsyncStateMachine => throw null;

        public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
            where TAwaiter : ICriticalNotifyCompletion where TStateMachine : IAsyncStateMachine => throw null;

        public void Complete() => throw null;

        public void MoveNext<TStateMachine>(ref TStateMachine stateMachine) where TStateMachine : IAsyncStateMachine => throw null;
    }

    public struct AsyncValueTaskMethodBuilder
    {
        public ValueTask Task => throw null;

        public static AsyncValueTaskMethodBuilder Create() => throw null;

        public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
            where TAwaiter : INotifyCompletion where TStateMachine : IAsyncStateMachine => throw null;

        public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
            where TAwaiter : ICriticalNotifyCompletion where TStateMachine : IAsyncStateMachine => throw null;

        public void SetException(Exception exception) => throw null;

        public void SetResult() => throw null;

        public void SetStateMachine(IAsyncStateMachine stateMachine) => throw null;

        public void Start<TStateMachine>(ref TStateMachine stateMachine) where TStateMachine : IAsyncStateMachine => throw null;
    }

    public struct AsyncValueTaskMethodBuilder<TResult>
    {
        public ValueTask<TResult> Task => throw null;

        public static AsyncValueTaskMethodBuilder<TResult> Create() => throw null;

        public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
            where TAwaiter : INotifyCompletion where TStateMachine : IAsyncStateMachine => throw null;

        public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
            where TAwaiter : ICriticalNotifyCompletion where TStateMachine : IAsyncStateMachine => throw null;

        public void SetException(Exception exception) => throw null;

        public void SetResult(TResult result) => throw null;

        public void SetStateMachine(IAsyncStateMachine stateMachine) => throw null;

        public void Start<TStateMachine>(ref TStateMachine stateMachine) where TStateMachine : IAsyncStateMachine => throw null;
    }

    public readonly struct ValueTaskAwaiter : ICriticalNotifyCompletion
    {
        public bool IsCompleted => throw null;

        public void GetResult() => throw null;

        public void OnCompleted(Action continuation) => throw null;

        public void UnsafeOnCompleted(Action continuation) => throw null;
    }

    public readonly struct ValueTaskAwaiter<TResult> : ICriticalNotifyCompletion
    {
        public bool IsCompleted => throw null;

        public TResult GetResult() => throw null;

        public void OnCompleted(Action continuation) => throw null;

        public void UnsafeOnCompleted(Action continuation) => throw null;
    }

    public readonly struct ConfiguredValueTaskAwaitable
    {
        public ValueTaskAwaiter GetAwaiter() => throw null;
    }

    public readonly struct ConfiguredValueTaskAwaitable<TResult>
    {
        public ValueTaskAwaiter<TResult> GetAwaiter() => throw null;
    }

    public readonly struct ConfiguredAsyncDisposable
    {
        public ConfiguredValueTaskAwaitable DisposeAsync() => throw null;
    }

    public readonly struct ConfiguredCancelableAsyncEnumerable<T>
    {
        public ConfiguredCancelableAsyncEnumerable<T> ConfigureAwait(bool continueOnCapturedContext) => throw null;

        public Enumerator GetAsyncEnumerator() => throw null;

        public ConfiguredCancelableAsyncEnumerable<T> WithCancellation(CancellationToken cancellationToken) => throw null;

        public readonly struct Enumerator
        {
            public T Current => throw null;

            public ConfiguredValueTaskAwaitable DisposeAsync() => throw null;

            public ConfiguredValueTaskAwaitable<bool> MoveNextAsync() => throw null;
        }
    }
}
