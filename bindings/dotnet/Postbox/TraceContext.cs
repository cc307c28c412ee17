using System;
#if NETSTANDARD
using System.Reflection;
#else
using System.Diagnostics;
#endif
using System.Threading;

namespace Postbox
{
    /// <summary>The trace context of the current activity, which deposited messages get.</summary>
    internal static class TraceContext
    {
        /// <summary>Whether this thread has a context in the library. Not a [ThreadStatic] field; see Callbacks.</summary>
        private static readonly ThreadLocal<bool> IsSet = new ThreadLocal<bool>();

        /// <summary>Passes the context to the library, for the messages that this thread deposits next.</summary>
        internal static void Carry()
        {
            Read(out var parent, out var state);
            if (parent == null && !IsSet.Value)
                return;
            // A deposit must not fail because of its trace. The library has no context after an error.
            Native.postbox_error_free(Native.postbox_set_trace_context(Lossy(parent), Lossy(state)));
            IsSet.Value = parent != null;
        }

        private static byte[]? Lossy(string? text) => text == null ? null : Utf8.Lossy(text);

#if NETSTANDARD
        // The class Activity is not part of netstandard2.0, so it is used only if the program has it.
        private static readonly Type? Activity = Type.GetType("System.Diagnostics.Activity, System.Diagnostics.DiagnosticSource", false);
        private static readonly Func<object?>? Current = CurrentActivity();
        private static readonly PropertyInfo? Id = Activity?.GetProperty("Id");
        private static readonly PropertyInfo? IdFormat = Activity?.GetProperty("IdFormat");
        private static readonly PropertyInfo? State = Activity?.GetProperty("TraceStateString");

        private static void Read(out string? parent, out string? state)
        {
            var activity = Current?.Invoke();
            parent = activity != null && IdFormat?.GetValue(activity)?.ToString() == "W3C" ? Id?.GetValue(activity) as string : null;
            state = parent == null ? null : State?.GetValue(activity) as string;
        }

        private static Func<object?>? CurrentActivity()
        {
            var getter = Activity?.GetProperty("Current", BindingFlags.Public | BindingFlags.Static)?.GetGetMethod();
            return getter == null ? null : (Func<object?>)Delegate.CreateDelegate(typeof(Func<object?>), getter);
        }
#else
        private static void Read(out string? parent, out string? state)
        {
            var activity = Activity.Current;
            parent = activity?.IdFormat == ActivityIdFormat.W3C ? activity.Id : null;
            state = parent == null ? null : activity?.TraceStateString;
        }
#endif
    }
}
