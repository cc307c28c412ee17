using System;
using System.Collections.Generic;
using System.Linq;

namespace Postbox
{
    /// <summary>Passes expressions to the library.</summary>
    internal static class NativeExpression
    {
        /// <summary>Calls a function with the expressions of the program.</summary>
        internal static void Pass(ItemExpression expression, Func<Native.postbox_expression[], IntPtr> call)
        {
            var names = expression.Names.Select(name => new KeyValuePair<string, object?>(name.Key, name.Value));
            // An omitted text is empty, and its pointer is replaced by NULL.
            using (var texts = new Utf8Array(new[] { expression.Update ?? "", expression.Condition ?? "" }, nameof(expression)))
            using (var nameItem = ItemWriter.Write(names, nameof(ItemExpression.Names)))
            using (var valueItem = ItemWriter.Write(expression.Values, nameof(ItemExpression.Values)))
            {
                Errors.Check(call(new[]
                {
                    new Native.postbox_expression
                    {
                        update = expression.Update == null ? IntPtr.Zero : texts.Pointers[0],
                        condition = expression.Condition == null ? IntPtr.Zero : texts.Pointers[1],
                        names = expression.Names.Count == 0 ? IntPtr.Zero : nameItem.Pointer,
                        values = expression.Values.Count == 0 ? IntPtr.Zero : valueItem.Pointer,
                        return_item = (byte)(expression.ReturnItem ? 1 : 0),
                    },
                }));
            }
        }
    }
}
