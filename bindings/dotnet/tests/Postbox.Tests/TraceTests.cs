using System;
using System.Threading;

namespace Postbox.Tests
{
    /// <summary>Messages get the trace context of the current activity.</summary>
    public static class TraceTests
    {
        private static readonly Type Activity = Type.GetType("System.Diagnostics.Activity, System.Diagnostics.DiagnosticSource", false);

        // .NET Standard has no class Activity, so the tests for it use the one of the runtime by reflection.
        public static void A_message_gets_the_trace_context_of_the_current_activity()
        {
            using (var world = new World())
            {
                Check.Equal(null, Deposited(world));
                var activity = Activity.GetConstructor(new[] { typeof(string) }).Invoke(new object[] { "order" });
                var format = Activity.Assembly.GetType("System.Diagnostics.ActivityIdFormat");
                Activity.GetMethod("SetIdFormat").Invoke(activity, new[] { Enum.Parse(format, "W3C") });
                Activity.GetProperty("TraceStateString").SetValue(activity, "vendor=1");
                Activity.GetMethod("Start", new Type[0]).Invoke(activity, null);
                var parent = (string)Activity.GetProperty("Id").GetValue(activity);
                Check.Equal(parent, Deposited(world));
                using (var message = new OutboxMessage(World.Topic, "state"))
                {
                    using (var work = world.Client.BeginUnitOfWork())
                    {
                        work.DepositPost(message);
                        work.Commit();
                    }
                    using (var stored = world.Client.GetMessage(message.Id))
                    {
                        Check.Equal(parent, stored["trace_parent"]);
                        Check.Equal("vendor=1", stored["trace_state"]);
                    }
                    Check.Contains(parent, world.Client.MessageToPut(message));
                }
                string elsewhere = "unset";
                using (ExecutionContext.SuppressFlow())
                {
                    var thread = new Thread(() => elsewhere = Deposited(world));
                    thread.Start();
                    thread.Join();
                }
                Check.Equal(null, elsewhere);
                Activity.GetMethod("Stop").Invoke(activity, null);
                Check.Equal(null, Deposited(world));
            }
        }

        /// <summary>Deposits a message and returns its trace parent.</summary>
        private static string Deposited(World world)
        {
            using (var message = new OutboxMessage(World.Topic, "x"))
            {
                world.Client.DepositPost(message);
                using (var stored = world.Client.GetMessage(message.Id))
                    return stored["trace_parent"];
            }
        }
    }
}
