using System;
using System.Collections.Generic;

namespace Postbox
{
    /// <summary>
    /// Closes the clients that are open when the process ends, or the application domain is unloaded. Their threads call managed code: Mono would wait for
    /// ever for them to end, and no runtime can serve such a call once it, or the domain, is gone.
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
                // A timeout is ignored, because the process ends. Committed messages stay outstanding, so nothing is lost.
                Native.postbox_error_free(Native.postbox_close(client));
            }
            catch (ObjectDisposedException)
            {
                // The client was already disposed of.
            }
        }
    }
}
