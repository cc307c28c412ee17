using System;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    /// <summary>
    /// A plug-in that uses Postbox in an AssemblyLoadContext. The tests reach it by reflection, because .NET Standard, for
    /// which they are compiled too, does not have it.
    /// </summary>
    public static class UnloadTests
    {
        public static void A_load_context_is_unloaded_after_its_clients_are_disposed_of()
        {
            var context = Type.GetType("System.Runtime.Loader.AssemblyLoadContext, System.Runtime.Loader");
            var create = context.GetConstructor(new[] { typeof(string), typeof(bool) });
            var unloaded = UseAndUnload(context, create);
            for (var i = 0; i < 20 && unloaded.IsAlive; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            Check.That(!unloaded.IsAlive, "the context is kept");
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static WeakReference UseAndUnload(Type context, ConstructorInfo create)
        {
            var loaded = create.Invoke(new object[] { "plug-in", true });
            var load = context.GetMethod("LoadFromAssemblyPath");
            load.Invoke(loaded, new object[] { typeof(PostboxClient).Assembly.Location });
            var tests = (Assembly)load.Invoke(loaded, new object[] { typeof(UnloadTests).Assembly.Location });
            load.Invoke(loaded, new object[] { typeof(Newtonsoft.Json.Linq.JObject).Assembly.Location });
            tests.GetType(typeof(UnloadTests).FullName).GetMethod(nameof(UseAClient), BindingFlags.NonPublic | BindingFlags.Static).Invoke(null, null);
            context.GetMethod("Unload").Invoke(loaded, null);
            return new WeakReference(loaded);
        }

        private static void UseAClient()
        {
            PostboxLog.Set(PostboxLogLevel.Trace, (level, text) => GC.KeepAlive(text));
            using (var config = World.Eager(":memory:").AddProducer(null, _ => SendResult.Sent).SetLog(PostboxLogLevel.Trace, (level, text) => GC.KeepAlive(text)))
            using (var client = config.Open())
            using (var message = new OutboxMessage("t", "x"))
            {
                client.StartSweeper();
                client.Post(message);
            }
            using (var config = World.Eager(":memory:").AddProducer(null, async _ =>
            {
                await Task.Yield();
                return SendResult.Sent;
            }))
            using (var client = config.Open())
            using (var source = new CancellationTokenSource())
            using (var message = new OutboxMessage("t", "x"))
                Wait.For(client.PostAsync(message, source.Token));
            PostboxLog.Off();
        }
    }
}
