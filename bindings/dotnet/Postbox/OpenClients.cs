using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace Postbox
{
    /// <summary>
    /// Closes the clients that are open when the process ends, so that they return their leases. The threads of these clients
    /// call managed code, which cannot be executed after the runtime has stopped.
    /// </summary>
    internal static class OpenClients
    {
        private static readonly object Key = new object();
        private static readonly List<WeakReference<ClientHandle>> Open = new List<WeakReference<ClientHandle>>();

        // A client with a background thread is referenced here, so that it is not collected while the thread runs.
        private static readonly Dictionary<ClientHandle, Background> Kept = new Dictionary<ClientHandle, Background>();

        private const ulong CallbacksAtExit = 1000;

        private static bool logIsSet, subscribed;

        [Flags]
        internal enum Background
        {
            None = 0,
            Sweeper = 1,
            Archiver = 2,
        }

        /// <summary>Whether the process ends. No thread can be started then.</summary>
        internal static bool AreEnding { get; private set; }

        internal static void Add(ClientHandle client)
        {
            Change(() => Open.Add(new WeakReference<ClientHandle>(client)));
        }

        /// <summary>Removes a client that was closed, and every client that was collected.</summary>
        internal static void Remove(ClientHandle client)
        {
            Change(() =>
            {
                Kept.Remove(client);
                Open.RemoveAll(known => !known.TryGetTarget(out var open) || open == client);
            });
        }

        internal static void Keep(ClientHandle client, Background runs)
        {
            Change(() => Kept[client] = Runs(client) | runs);
        }

        internal static void LetGo(ClientHandle client, Background ended)
        {
            Change(() =>
            {
                Kept[client] = Runs(client) & ~ended;
                if (Kept[client] == Background.None)
                    Kept.Remove(client);
            });
        }

        internal static void SetLog(bool isSet) => Change(() => logIsSet = isSet);

        private static Background Runs(ClientHandle client) => Kept.TryGetValue(client, out var runs) ? runs : Background.None;

        /// <summary>
        /// Changes the lists. The handler is only attached while it has something to do, because it keeps an
        /// AssemblyLoadContext from being unloaded.
        /// </summary>
        private static void Change(Action change)
        {
            lock (Key)
            {
                change();
                var needed = logIsSet || Open.Count > 0;
                if (needed == subscribed)
                    return;
                subscribed = needed;
                if (needed)
                    AppDomain.CurrentDomain.ProcessExit += CloseAll;
                else
                    AppDomain.CurrentDomain.ProcessExit -= CloseAll;
            }
        }

        private static List<ClientHandle> All()
        {
            var clients = new List<ClientHandle>();
            lock (Key)
                foreach (var known in Open)
                    if (known.TryGetTarget(out var client))
                        clients.Add(client);
            return clients;
        }

        private static void CloseAll(object? sender, EventArgs arguments)
        {
            AreEnding = true;
            var clients = All();
            // A client whose producer runs on this thread must not be waited for, and neither must a client that waits
            // for the log receiver on this thread.
            if (Callbacks.RunOnThisThread)
                clients.RemoveAll(client => client.Close(0)?.Code == PostboxErrorCode.ReentrantCall);
            CloseSideBySide(clients);
            try
            {
                PostboxLog.Off();
            }
            catch (PostboxException)
            {
                // The process ends, and nobody receives the error.
            }
        }

        private static void CloseSideBySide(List<ClientHandle> clients)
        {
            // One client is closed on this thread, and the others on threads of their own. The log receiver of this
            // thread may have interrupted a call, in which the library rejects a close.
            var onThisThread = Callbacks.LogOnThisThread ? 0 : 1;
            var limit = Limit();
            var threads = new List<Thread>();
            foreach (var client in clients.Skip(onThisThread))
            {
                var thread = new Thread(() => client.Close(limit)) { IsBackground = true };
                thread.Start();
                threads.Add(thread);
            }
            foreach (var client in clients.Take(onThisThread))
                client.Close(limit);
            threads.ForEach(thread => thread.Join());
        }

        /// <summary>
        /// Returns the maximum time in milliseconds for which a client waits for its calls, or null for its
        /// "close_timeout_ms".
        /// </summary>
        private static ulong? Limit()
        {
            if (Callbacks.LogOnThisThread)
                return 0;
            // The runtime calls this method on a thread of its own, and does not show whether a callback that is running has
            // called Environment.Exit and therefore never returns.
            return Callbacks.RunOnAnyThread ? CallbacksAtExit : (ulong?)null;
        }
    }
}
