using System;
using System.Collections.Generic;

namespace Postbox
{
    /// <summary>
    /// Closes the clients that are open when the process ends, or when the application domain is unloaded. The threads
    /// of these clients call managed code. Mono would wait forever for these threads to end, and no runtime can execute
    /// such a call after the runtime has stopped or the domain was unloaded.
    /// </summary>
    internal static class OpenClients
    {
        private static readonly List<WeakReference<ClientHandle>> Open = new List<WeakReference<ClientHandle>>();

        static OpenClients()
        {
            AppDomain.CurrentDomain.ProcessExit += (sender, arguments) => CloseAll();
            AppDomain.CurrentDomain.DomainUnload += (sender, arguments) => CloseAll();
        }

        internal static void Add(ClientHandle handle)
        {
            lock (Open)
            {
                Open.RemoveAll(known => !known.TryGetTarget(out var client) || client.IsDisposed);
                Open.Add(new WeakReference<ClientHandle>(handle));
            }
        }

        private static void CloseAll()
        {
            lock (Open)
                foreach (var known in Open)
                    if (known.TryGetTarget(out var client))
                        Close(client);
            PostboxLog.Off();
        }

        private static void Close(ClientHandle client)
        {
            try
            {
                // A timeout is ignored, because the process ends. Committed messages that were not sent stay
                // outstanding, so no message is lost.
                Native.postbox_error_free(Native.postbox_close(client));
            }
            catch (ObjectDisposedException)
            {
                // The client was already disposed of.
            }
        }
    }
}
