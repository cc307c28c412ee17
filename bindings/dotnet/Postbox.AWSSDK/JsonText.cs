using System;
using System.Collections.Generic;
using System.Web;

namespace Postbox
{
    /// <summary>
    /// The text of JSON, as the library writes and reads it. The library itself decodes all values: .NET Standard has no reader of
    /// JSON.
    /// </summary>
    internal static class JsonText
    {
        /// <summary>Returns a text in quotation marks.</summary>
        internal static string Quote(string text) => HttpUtility.JavaScriptStringEncode(text, addDoubleQuotes: true);

        /// <summary>Returns a text that is in quotation marks.</summary>
        internal static string Unquote(string json) => Item.FromJson("{\"text\":{\"S\":" + json + "}}").Get<string>("text")!;

        /// <summary>
        /// Returns the values of the members of an object as JSON, by their names. The text is valid JSON from the library, whose
        /// names need no decoding.
        /// </summary>
        internal static Dictionary<string, string> Members(string json)
        {
            var members = new Dictionary<string, string>(StringComparer.Ordinal);
            var start = json.IndexOf('{') + 1;
            while (json.IndexOf('"', start) is var open && open >= 0)
            {
                var close = json.IndexOf('"', open + 1);
                var value = json.IndexOf(':', close) + 1;
                start = End(json, value);
                members[json.Substring(open + 1, close - open - 1)] = json.Substring(value, start - value).Trim();
            }
            return members;
        }

        /// <summary>Returns the index of the comma or bracket that ends the value at an index.</summary>
        private static int End(string json, int index)
        {
            var depth = 0;
            for (var inText = false; inText || depth > 0 || json[index] != ',' && json[index] != '}'; index++)
            {
                var character = json[index];
                if (inText && character == '\\')
                    index++;
                else if (character == '"')
                    inText = !inText;
                else if (!inText && (character == '{' || character == '['))
                    depth++;
                else if (!inText && (character == '}' || character == ']'))
                    depth--;
            }
            return index;
        }
    }
}
