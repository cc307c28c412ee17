// Generated from src/model/settings.rs by tools/csharp_options.py; do not edit.
#nullable enable
namespace Postbox
{
    /// <summary>The way in which sweepers share the work.</summary>
    public enum LeaseMode
    {
        /// <summary>
        /// One lease for all sweepers, including Brighter's, so that only one sweeper works at a time.
        /// </summary>
        Single,

        /// <summary>
        /// One lease for each lane, that is, for each topic and group of its shards, so that several processes can
        /// sweep at the same time. No sweeper of Brighter may run on the same table.
        /// </summary>
        PerShard,
    }

    /// <summary>The time at which <see cref="PostboxClient.ClearOutbox(string[])"/> returns.</summary>
    public enum ClearMarks
    {
        /// <summary>After the messages are marked dispatched.</summary>
        Wait,

        /// <summary>After the messages are sent. Their marks are written in the background.</summary>
        Background,
    }

    /// <summary>The clock whose time Postbox uses.</summary>
    public enum ClockSource
    {
        /// <summary>
        /// The clock of this machine. It is corrected if the <c>Date</c> header of the responses of AWS differs from it
        /// by a second or more.
        /// </summary>
        Server,

        /// <summary>The clock of this machine.</summary>
        Local,
    }

    /// <summary>The key that encrypts a table which Postbox creates.</summary>
    public enum TableEncryption
    {
        /// <summary>
        /// The AWS managed key <c>aws/dynamodb</c>, as in tables of Brighter. KMS charges for its use, and tables with
        /// this key cannot be used from another account.
        /// </summary>
        AwsManaged,

        /// <summary>A key that DynamoDB owns, without charges.</summary>
        Owned,
    }

    /// <summary>
    /// The texts of values in settings. A number, which the library rejects, for a value without a name.
    /// </summary>
    internal static class SettingNames
    {
        internal static string? Of(LeaseMode? value) => value switch
        {
            LeaseMode.Single => "single",
            LeaseMode.PerShard => "per_shard",
            _ => value?.ToString(),
        };

        internal static string? Of(ClearMarks? value) => value switch
        {
            ClearMarks.Wait => "wait",
            ClearMarks.Background => "background",
            _ => value?.ToString(),
        };

        internal static string? Of(ClockSource? value) => value switch
        {
            ClockSource.Server => "server",
            ClockSource.Local => "local",
            _ => value?.ToString(),
        };

        internal static string? Of(TableEncryption? value) => value switch
        {
            TableEncryption.AwsManaged => "aws_managed",
            TableEncryption.Owned => "owned",
            _ => value?.ToString(),
        };
    }
}
