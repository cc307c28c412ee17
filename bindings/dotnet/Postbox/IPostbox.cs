using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// The calls of a <see cref="PostboxClient"/>, for programs whose tests replace it with a mock. Later versions add members.
    /// A test can also run a program with the real library in memory; see <see cref="PostboxConfig.InMemory"/>.
    /// </summary>
    public interface IPostbox : IDisposable, IAsyncDisposable
    {
        /// <inheritdoc cref="PostboxClient.Close()"/>
        void Close();

        /// <inheritdoc cref="PostboxClient.Close(TimeSpan)"/>
        void Close(TimeSpan timeout);

        /// <inheritdoc cref="PostboxClient.CreateTable()"/>
        void CreateTable();

        /// <inheritdoc cref="PostboxClient.VerifyTable()"/>
        bool VerifyTable();

        /// <inheritdoc cref="PostboxClient.GetTableWarnings()"/>
        IReadOnlyList<string> GetTableWarnings();

        /// <inheritdoc cref="PostboxClient.BeginUnitOfWork()"/>
        IUnitOfWork BeginUnitOfWork();

        /// <inheritdoc cref="PostboxClient.DepositPost(OutboxMessage)"/>
        string DepositPost(OutboxMessage message);

        /// <inheritdoc cref="PostboxClient.MessageToPut(OutboxMessage)"/>
        string MessageToPut(OutboxMessage message);

        /// <inheritdoc cref="PostboxClient.CancellationError(string, string)"/>
        PostboxException CancellationError(string actions, string reasons);

        /// <inheritdoc cref="PostboxClient.DepositPosts(IEnumerable{OutboxMessage})"/>
        IReadOnlyList<string> DepositPosts(IEnumerable<OutboxMessage> messages);

        /// <inheritdoc cref="PostboxClient.Post(OutboxMessage)"/>
        string Post(OutboxMessage message);

        /// <inheritdoc cref="PostboxClient.Post(OutboxMessage, out Report)"/>
        string Post(OutboxMessage message, out Report report);

        /// <inheritdoc cref="PostboxClient.ClearOutbox(string[])"/>
        void ClearOutbox(params string[] ids);

        /// <inheritdoc cref="PostboxClient.ClearOutbox(IEnumerable{string}, CancellationToken)"/>
        void ClearOutbox(IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ClearOutbox(IEnumerable{string}, out Report, CancellationToken)"/>
        void ClearOutbox(IEnumerable<string> ids, out Report report, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.MarkDispatched(string[])"/>
        void MarkDispatched(params string[] ids);

        /// <inheritdoc cref="PostboxClient.MarkDispatched(IEnumerable{string})"/>
        void MarkDispatched(IEnumerable<string> ids);

        /// <inheritdoc cref="PostboxClient.MarkDispatched(IEnumerable{string}, out Report)"/>
        void MarkDispatched(IEnumerable<string> ids, out Report report);

        /// <inheritdoc cref="PostboxClient.Confirm(string, SendResult)"/>
        void Confirm(string id, SendResult result);

        /// <inheritdoc cref="PostboxClient.ConfirmMany(IEnumerable{KeyValuePair{string, SendResult}})"/>
        void ConfirmMany(IEnumerable<KeyValuePair<string, SendResult>> results);

        /// <inheritdoc cref="PostboxClient.GetMessage(string)"/>
        OutboxMessage? GetMessage(string id);

        /// <inheritdoc cref="PostboxClient.GetItem(string, string)"/>
        string? GetItem(string table, string key);

        /// <inheritdoc cref="PostboxClient.GetItem(string, Item)"/>
        Item? GetItem(string table, Item key);

        /// <inheritdoc cref="PostboxClient.Sweep(string, CancellationToken)"/>
        SweepResult Sweep(string? topic = null, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.StartSweeper()"/>
        void StartSweeper();

        /// <inheritdoc cref="PostboxClient.SetCredentials(PostboxCredentials)"/>
        void SetCredentials(PostboxCredentials credentials);

        /// <inheritdoc cref="PostboxClient.NotifyCommitted(string[])"/>
        void NotifyCommitted(params string[] ids);

        /// <inheritdoc cref="PostboxClient.NotifyCommitted(IEnumerable{string})"/>
        void NotifyCommitted(IEnumerable<string> ids);

        /// <inheritdoc cref="PostboxClient.StopSweeper()"/>
        void StopSweeper();

        /// <inheritdoc cref="PostboxClient.CountOutstanding(string)"/>
        OutstandingCount CountOutstanding(string? topic = null);

        /// <inheritdoc cref="PostboxClient.ListMessages(MessageState, string, int, string)"/>
        MessagePage ListMessages(MessageState state, string? topic = null, int limit = 100, string? cursor = null);

        /// <inheritdoc cref="PostboxClient.Unpark(string)"/>
        void Unpark(string id);

        /// <inheritdoc cref="PostboxClient.Replay(string[])"/>
        void Replay(params string[] ids);

        /// <inheritdoc cref="PostboxClient.Replay(IEnumerable{string})"/>
        void Replay(IEnumerable<string> ids);

        /// <inheritdoc cref="PostboxClient.Replay(IEnumerable{string}, out Report)"/>
        void Replay(IEnumerable<string> ids, out Report report);

        /// <inheritdoc cref="PostboxClient.ReplayCausation(string)"/>
        Report ReplayCausation(string causationId);

        /// <inheritdoc cref="PostboxClient.Archive"/>
        ArchiveResult Archive(Func<OutboxMessage, Task> archive, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ArchiveToFile(string, CancellationToken)"/>
        ArchiveResult ArchiveToFile(string path, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.StartArchiver"/>
        void StartArchiver(Func<OutboxMessage, Task> archive);

        /// <inheritdoc cref="PostboxClient.StartArchiverToFile(string)"/>
        void StartArchiverToFile(string path);

        /// <inheritdoc cref="PostboxClient.StopArchiver()"/>
        void StopArchiver();

        /// <inheritdoc cref="PostboxClient.GetStats()"/>
        PostboxStats GetStats();

        /// <inheritdoc cref="PostboxClient.GetStatsJson()"/>
        string GetStatsJson();

        /// <inheritdoc cref="PostboxClient.GetMessages(IEnumerable{string})"/>
        MessagePage GetMessages(IEnumerable<string> ids);

        /// <inheritdoc cref="PostboxClient.GetMessages(string[])"/>
        MessagePage GetMessages(params string[] ids);

        /// <inheritdoc cref="PostboxClient.MarkDispatchedAt(IEnumerable{string}, DateTimeOffset)"/>
        void MarkDispatchedAt(IEnumerable<string> ids, DateTimeOffset time);

        /// <inheritdoc cref="PostboxClient.MarkDispatchedAt(DateTimeOffset, string[])"/>
        void MarkDispatchedAt(DateTimeOffset time, params string[] ids);

        /// <inheritdoc cref="PostboxClient.MarkDispatchedAt(IEnumerable{string}, DateTimeOffset, out Report)"/>
        void MarkDispatchedAt(IEnumerable<string> ids, DateTimeOffset time, out Report report);

        /// <inheritdoc cref="PostboxClient.DeleteMessage(string, MessageState)"/>
        bool DeleteMessage(string id, MessageState state);

        /// <inheritdoc cref="PostboxClient.SelectMessages(MessageState, Selection)"/>
        MessagePage SelectMessages(MessageState state, Selection? selection = null);

        /// <inheritdoc cref="PostboxClient.CountMessages(MessageState, Selection)"/>
        long CountMessages(MessageState state, Selection? selection = null);

        /// <inheritdoc cref="PostboxClient.GetTopicCounts(bool)"/>
        IReadOnlyList<TopicCount> GetTopicCounts(bool allStates = false);

        /// <inheritdoc cref="PostboxClient.CountDispatchedBetween(string, DateTimeOffset, DateTimeOffset)"/>
        long CountDispatchedBetween(string topic, DateTimeOffset from, DateTimeOffset to);

        /// <inheritdoc cref="PostboxClient.GetLeases()"/>
        IReadOnlyList<LeaseInfo> GetLeases();

        /// <inheritdoc cref="PostboxClient.GetSweepers()"/>
        IReadOnlyList<SweeperInfo> GetSweepers();

        /// <inheritdoc cref="PostboxClient.GetLocation()"/>
        string GetLocation();

        /// <inheritdoc cref="PostboxClient.ObtainLease(string, TimeSpan)"/>
        IHeldLease? ObtainLease(string resource, TimeSpan length);

        /// <inheritdoc cref="PostboxClient.ObtainLeaseAsync(string, TimeSpan, CancellationToken)"/>
        Task<IHeldLease?> ObtainLeaseAsync(string resource, TimeSpan length, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.BeginAsyncUnitOfWork()"/>
        IUnitOfWork BeginAsyncUnitOfWork();

        /// <inheritdoc cref="PostboxClient.CreateTableAsync(CancellationToken)"/>
        Task CreateTableAsync(CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.VerifyTableAsync(CancellationToken)"/>
        Task<bool> VerifyTableAsync(CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.GetTableWarningsAsync(CancellationToken)"/>
        Task<IReadOnlyList<string>> GetTableWarningsAsync(CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.DepositPostAsync(OutboxMessage, CancellationToken)"/>
        Task<string> DepositPostAsync(OutboxMessage message, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.DepositPostsAsync(IEnumerable{OutboxMessage}, CancellationToken)"/>
        Task<IReadOnlyList<string>> DepositPostsAsync(IEnumerable<OutboxMessage> messages, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.PostAsync(OutboxMessage, CancellationToken)"/>
        Task<Report> PostAsync(OutboxMessage message, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.PostAsync(OutboxMessage, bool, CancellationToken)"/>
        Task<Report> PostAsync(OutboxMessage message, bool throwOnFailure, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ClearOutboxAsync(IEnumerable{string}, CancellationToken)"/>
        Task<Report> ClearOutboxAsync(IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ClearOutboxAsync(string[])"/>
        Task<Report> ClearOutboxAsync(params string[] ids);

        /// <inheritdoc cref="PostboxClient.ClearOutboxAsync(IEnumerable{string}, bool, CancellationToken)"/>
        Task<Report> ClearOutboxAsync(IEnumerable<string> ids, bool throwOnFailure, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.MarkDispatchedAsync(IEnumerable{string}, CancellationToken)"/>
        Task<Report> MarkDispatchedAsync(IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.MarkDispatchedAsync(string[])"/>
        Task<Report> MarkDispatchedAsync(params string[] ids);

        /// <inheritdoc cref="PostboxClient.MarkDispatchedAsync(IEnumerable{string}, bool, CancellationToken)"/>
        Task<Report> MarkDispatchedAsync(IEnumerable<string> ids, bool throwOnFailure, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.MarkDispatchedAtAsync(IEnumerable{string}, DateTimeOffset, CancellationToken)"/>
        Task<Report> MarkDispatchedAtAsync(IEnumerable<string> ids, DateTimeOffset time, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.MarkDispatchedAtAsync(DateTimeOffset, string[])"/>
        Task<Report> MarkDispatchedAtAsync(DateTimeOffset time, params string[] ids);

        /// <inheritdoc cref="PostboxClient.MarkDispatchedAtAsync(IEnumerable{string}, DateTimeOffset, bool, CancellationToken)"/>
        Task<Report> MarkDispatchedAtAsync(IEnumerable<string> ids, DateTimeOffset time, bool throwOnFailure, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ReplayAsync(IEnumerable{string}, CancellationToken)"/>
        Task<Report> ReplayAsync(IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ReplayAsync(string[])"/>
        Task<Report> ReplayAsync(params string[] ids);

        /// <inheritdoc cref="PostboxClient.ReplayAsync(IEnumerable{string}, bool, CancellationToken)"/>
        Task<Report> ReplayAsync(IEnumerable<string> ids, bool throwOnFailure, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ReplayCausationAsync(string, CancellationToken)"/>
        Task<Report> ReplayCausationAsync(string causationId, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ConfirmAsync(string, SendResult, CancellationToken)"/>
        Task ConfirmAsync(string id, SendResult result, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ConfirmManyAsync(IEnumerable{KeyValuePair{string, SendResult}}, CancellationToken)"/>
        Task ConfirmManyAsync(IEnumerable<KeyValuePair<string, SendResult>> results, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.GetMessageAsync(string, CancellationToken)"/>
        Task<OutboxMessage?> GetMessageAsync(string id, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.GetMessagesAsync(IEnumerable{string}, CancellationToken)"/>
        Task<MessagePage> GetMessagesAsync(IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.GetMessagesAsync(string[])"/>
        Task<MessagePage> GetMessagesAsync(params string[] ids);

        /// <inheritdoc cref="PostboxClient.DeleteMessageAsync(string, MessageState, CancellationToken)"/>
        Task<bool> DeleteMessageAsync(string id, MessageState state, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.GetItemAsync(string, string, CancellationToken)"/>
        Task<string?> GetItemAsync(string table, string key, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.GetItemAsync(string, Item, CancellationToken)"/>
        Task<Item?> GetItemAsync(string table, Item key, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.CountOutstandingAsync(string, CancellationToken)"/>
        Task<OutstandingCount> CountOutstandingAsync(string? topic = null, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ListMessagesAsync(MessageState, string, int, string, CancellationToken)"/>
        Task<MessagePage> ListMessagesAsync(MessageState state, string? topic = null, int limit = 100, string? cursor = null, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.UnparkAsync(string, CancellationToken)"/>
        Task UnparkAsync(string id, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.SelectMessagesAsync(MessageState, Selection, CancellationToken)"/>
        Task<MessagePage> SelectMessagesAsync(MessageState state, Selection? selection = null, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.CountMessagesAsync(MessageState, Selection, CancellationToken)"/>
        Task<long> CountMessagesAsync(MessageState state, Selection? selection = null, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.GetTopicCountsAsync(bool, CancellationToken)"/>
        Task<IReadOnlyList<TopicCount>> GetTopicCountsAsync(bool allStates = false, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.CountDispatchedBetweenAsync(string, DateTimeOffset, DateTimeOffset, CancellationToken)"/>
        Task<long> CountDispatchedBetweenAsync(string topic, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.GetLeasesAsync(CancellationToken)"/>
        Task<IReadOnlyList<LeaseInfo>> GetLeasesAsync(CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.GetSweepersAsync(CancellationToken)"/>
        Task<IReadOnlyList<SweeperInfo>> GetSweepersAsync(CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.GetLocationAsync(CancellationToken)"/>
        Task<string> GetLocationAsync(CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.SweepAsync(string, CancellationToken)"/>
        Task<SweepResult> SweepAsync(string? topic = null, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ArchiveAsync(Func{OutboxMessage, Task}, CancellationToken)"/>
        Task<ArchiveResult> ArchiveAsync(Func<OutboxMessage, Task> archive, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.ArchiveToFileAsync(string, CancellationToken)"/>
        Task<ArchiveResult> ArchiveToFileAsync(string path, CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.StopSweeperAsync(CancellationToken)"/>
        Task StopSweeperAsync(CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.StopArchiverAsync(CancellationToken)"/>
        Task StopArchiverAsync(CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.CloseAsync(CancellationToken)"/>
        Task CloseAsync(CancellationToken cancellation = default(CancellationToken));

        /// <inheritdoc cref="PostboxClient.CloseAsync(TimeSpan, CancellationToken)"/>
        Task CloseAsync(TimeSpan timeout, CancellationToken cancellation = default(CancellationToken));
    }
}
