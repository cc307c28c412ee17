using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>Reads items without blocking.</summary>
    internal static class AsyncItems
    {
        private static readonly Func<IntPtr, Item?> AsItem = result => ItemReader.TakeOptional(Native.postbox_result_take_item(result));

        private static readonly Func<IntPtr, string?> AsJson = result =>
        {
            var found = Native.postbox_result_take_item(result);
            if (found == IntPtr.Zero)
                return null;
            IntPtr json;
            using (var item = new OwnedItem(found))
                Errors.Check(Native.postbox_item_to_json(item.Pointer, out json));
            return Utf8.Take(json);
        };

        internal static Task<Item?> Read(Func<ClientHandle> client, string table, Item key, CancellationToken cancellation)
        {
            return Read(client, table, () => ItemWriter.Write(key, nameof(key)), AsItem, cancellation);
        }

        internal static Task<string?> Read(Func<ClientHandle> client, string table, string key, CancellationToken cancellation)
        {
            return Read(client, table, () => FromJson(key), AsJson, cancellation);
        }

        private static OwnedItem FromJson(string key)
        {
            IntPtr item;
            Errors.Check(Native.postbox_item_from_json(Utf8.Required(key, nameof(key)), out item));
            return new OwnedItem(item);
        }

        private static Task<T> Read<T>(Func<ClientHandle> client, string table, Func<OwnedItem> key, Func<IntPtr, T> read, CancellationToken cancellation)
        {
            return Completion.Run(
                started =>
                {
                    using (var written = key())
                        return Native.postbox_read_item_async(
                            client(), Utf8.Required(table, nameof(table)), written.Pointer, Completion.Done, started.Data, out started.Operation);
                },
                read, cancellation);
        }
    }
}
