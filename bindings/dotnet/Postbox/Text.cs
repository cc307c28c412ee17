using System;
using System.Globalization;

namespace Postbox
{
    /// <summary>Parts of the texts that ToString returns. They contain no secrets and no bodies.</summary>
    internal static class Text
    {
        /// <summary>A number and a noun: "1 message", "2 messages".</summary>
        internal static string Plural(long count, string noun) => Number(count) + " " + noun + (count == 1 ? "" : "s");

        internal static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

        internal static string WithReason(string what, string reason) => reason.Length == 0 ? what : what + ": " + reason;

        internal static string Time(DateTimeOffset time) => time.ToString("u", CultureInfo.InvariantCulture);
    }
}
