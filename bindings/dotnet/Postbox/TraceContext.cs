using System;
using System.Reflection;
using System.Threading;

namespace Postbox
{
    /// <summary>
    /// The trace context of <c>System.Diagnostics.Activity.Current</c>, which deposited messages get. The class Activity is
    /// not part of netstandard2.0, so it is used only if the program has it.
    /// </summary>
    internal static class TraceContext
    {
        private const string W3C = "W3C";

        private static readonly Type? Activity = Type.GetType("System.Diagnostics.Activity, System.Diagnostics.DiagnosticSource", false);
        private static readonly Func<object?>? Current = CurrentActivity();
        private static readonly PropertyInfo? Id = Activity?.GetProperty("Id");
        private static readonly PropertyInfo? IdFormat = Activity?.GetProperty("IdFormat");
        private static readonly PropertyInfo? State = Activity?.GetProperty("TraceStateString");

        /// <summary>Whether this thread has a context in the library. Not a [ThreadStatic] field; see Callbacks.</summary>
        private static readonly ThreadLocal<bool> IsSet = new ThreadLocal<bool>();

        /// <summary>Passes the context to the library, for the messages that this thread deposits next.</summary>
        internal static void Carry()
        {
            var activity = Current?.Invoke();
            var parent = activity != null && IdFormat?.GetValue(activity)?.ToString() == W3C ? Id?.GetValue(activity) as string : null;
            if (parent == null && !IsSet.Value)
                return;
            var state = parent == null ? null : State?.GetValue(activity) as string;
            // A deposit must not fail because of its trace. The library has no context after an error.
            Native.postbox_error_free(Native.postbox_set_trace_context(Lossy(parent), Lossy(state)));
            IsSet.Value = parent != null;
        }

        private static byte[]? Lossy(string? text) => text == null ? null : Utf8.Lossy(text);

        private static Func<object?>? CurrentActivity()
        {
            var getter = Activity?.GetProperty("Current", BindingFlags.Public | BindingFlags.Static)?.GetGetMethod();
            return getter == null ? null : (Func<object?>)Delegate.CreateDelegate(typeof(Func<object?>), getter);
        }
    }
}
