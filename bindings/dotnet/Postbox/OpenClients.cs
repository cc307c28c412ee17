using System;
using System.Collections.Generic;
using System.Threading;

namespace Postbox
{
    /// <summary>
    /// Closes the clients that are open when the process ends, or when the application domain is unloaded. The threads
    /// of these clients call managed code. Mono would wait forever for these threads to end, and no runtime can execute
    /// such a call after the runtime has stopped or the domain was unloaded.
    /// </summary>
    internal static class OpenClients
    {
        private static readonly object Key = new object();
        private static readonly List<WeakReference<ClientHandle>> Open = new List<WeakReference<ClientHandle>>();

        // A client with a background thread is referenced here, so that it is not collected while the thread runs.
        private static readonly Dictionary<ClientHandle, Background> Kept = new Dictionary<ClientHandle, Background>();

        private static bool logIsSet, subscribed;

        [Flags]
        internal enum Background
        {
            None = 0,
            Sweeper = 1,
            Archiver = 2,
        }

        /// <summary>Whether the process ends or the domain is unloaded. No thread can be started then.</summary>
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
        /// Changes the lists. The handlers are only attached while they have something to do, because they keep an
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
                {
                    AppDomain.CurrentDomain.ProcessExit += CloseAll;
                    AppDomain.CurrentDomain.DomainUnload += CloseAll;
                }
                else
                {
                    AppDomain.CurrentDomain.ProcessExit -= CloseAll;
                    AppDomain.CurrentDomain.DomainUnload -= CloseAll;
                }
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

        private static void CloseAll(object sender, EventArgs arguments)
        {
            AreEnding = true;
            var clients = All();
            // A client whose producer runs on this thread must not be waited for, and neither must a client that waits
            // for the log receiver on this thread.
            if (Callbacks.RunOnThisThread)
                clients.RemoveAll(client => client.Close(0) == PostboxErrorCode.ReentrantCall);
            CloseSideBySide(clients, Callbacks.LogOnThisThread ? 0 : (ulong?)null);
            try
            {
                PostboxLog.Off();
            }
            catch (PostboxException)
            {
                // The process ends, and nobody receives the error.
            }
        }

        private static void CloseSideBySide(List<ClientHandle> clients, ulong? timeout)
        {
            // One client is closed on this thread, and the others on threads of their own.
            var threads = new List<Thread>();
            for (var i = 1; i < clients.Count; i++)
            {
                var client = clients[i];
                var thread = new Thread(() => client.Close(timeout)) { IsBackground = true };
                thread.Start();
                threads.Add(thread);
            }
            if (clients.Count > 0)
                clients[0].Close(timeout);
            threads.ForEach(thread => thread.Join());
        }
    }
}
