using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Brighter
{
    /// <summary>
    /// The outbox methods of Brighter's command processor, with the same names. Registered mappers convert requests to
    /// messages.
    /// </summary>
    public sealed class CommandProcessor
    {
        private readonly IPostbox client;
        private readonly Dictionary<Type, Func<object, OutboxMessage>> mappers = new Dictionary<Type, Func<object, OutboxMessage>>();

        /// <summary>Creates a command processor over a client, which the caller still owns.</summary>
        /// <param name="client">The client.</param>
        public CommandProcessor(IPostbox client)
        {
            this.client = client ?? throw new ArgumentNullException(nameof(client));
        }

        /// <summary>
        /// Registers the mapper for requests of a type, which corresponds to Brighter's
        /// <c>IAmAMessageMapper.MapToMessage</c>. Call this method before other threads use this object.
        /// </summary>
        /// <typeparam name="T">The type of the requests.</typeparam>
        /// <param name="mapToMessage">Creates a message, which the command processor disposes of.</param>
        /// <returns>This command processor.</returns>
        public CommandProcessor MapMessages<T>(Func<T, OutboxMessage> mapToMessage)
        {
            if (mapToMessage == null)
                throw new ArgumentNullException(nameof(mapToMessage));
            mappers[typeof(T)] = request => mapToMessage((T)request);
            return this;
        }

        /// <summary>Deposits a request in the outbox, outside a transaction.</summary>
        /// <typeparam name="T">The type of the request.</typeparam>
        /// <param name="request">The request.</param>
        /// <returns>The id of the message, for <see cref="ClearOutbox(string[])"/>.</returns>
        public string DepositPost<T>(T request)
        {
            using (var message = MessageOf(request))
                return client.DepositPost(message);
        }

        /// <summary>Deposits a request as <see cref="DepositPost{T}(T)"/> does.</summary>
        /// <typeparam name="T">The type of the request.</typeparam>
        /// <param name="request">The request.</param>
        /// <param name="cancellation">Ends the wait. The message may or may not be stored then.</param>
        /// <returns>The task, whose result is the id of the message.</returns>
        public async Task<string> DepositPostAsync<T>(T request, CancellationToken cancellation = default(CancellationToken))
        {
            using (var message = MessageOf(request))
                return await client.DepositPostAsync(message, cancellation).ConfigureAwait(false);
        }

        /// <summary>
        /// Deposits requests in the outbox, outside a transaction. One request to DynamoDB stores up to 25 messages.
        /// </summary>
        /// <typeparam name="T">The type of the requests.</typeparam>
        /// <param name="requests">The requests.</param>
        /// <returns>The ids of the messages, for <see cref="ClearOutbox(string[])"/>.</returns>
        public string[] DepositPosts<T>(IEnumerable<T> requests)
        {
            using (var page = new MessagePage(MessagesOf(requests)))
                return client.DepositPosts(page).ToArray();
        }

        /// <summary>Deposits requests as <see cref="DepositPosts"/> does.</summary>
        /// <typeparam name="T">The type of the requests.</typeparam>
        /// <param name="requests">The requests.</param>
        /// <param name="cancellation">Ends the wait. Some of the messages may be stored then.</param>
        /// <returns>The task, whose result are the ids of the messages.</returns>
        public async Task<IReadOnlyList<string>> DepositPostsAsync<T>(IEnumerable<T> requests, CancellationToken cancellation = default(CancellationToken))
        {
            using (var page = new MessagePage(MessagesOf(requests)))
                return await client.DepositPostsAsync(page, cancellation).ConfigureAwait(false);
        }

        /// <summary>
        /// Deposits a request in the transaction of a unit of work. Starts a transaction if none is open.
        /// </summary>
        /// <typeparam name="T">The type of the request.</typeparam>
        /// <param name="request">The request.</param>
        /// <param name="unitOfWork">The unit of work.</param>
        /// <returns>The id of the message, for <see cref="ClearOutbox(string[])"/> after the commit.</returns>
        public string DepositPost<T>(T request, DynamoDbUnitOfWork unitOfWork)
        {
            if (unitOfWork == null)
                throw new ArgumentNullException(nameof(unitOfWork));
            using (var message = MessageOf(request))
                return unitOfWork.BeginOrGetTransaction().DepositPost(message);
        }

        /// <summary>
        /// Sends the messages with these ids now. See <see cref="PostboxClient.ClearOutbox(string[])"/>.
        /// </summary>
        /// <param name="ids">The ids.</param>
        public void ClearOutbox(params string[] ids) => client.ClearOutbox(ids);

        /// <summary>Sends messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        public void ClearOutbox(IEnumerable<string> ids) => client.ClearOutbox(ids);

        /// <summary>
        /// Sends messages now. See <see cref="PostboxClient.ClearOutboxAsync(IEnumerable{string}, CancellationToken)"/>.
        /// </summary>
        /// <param name="ids">The ids.</param>
        /// <param name="cancellation">Ends the call after the current call to a producer.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> ClearOutboxAsync(IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken))
        {
            return client.ClearOutboxAsync(ids, cancellation);
        }

        /// <summary>Sends messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> ClearOutboxAsync(params string[] ids) => client.ClearOutboxAsync(ids);

        /// <summary>Deposits a request and sends it now.</summary>
        /// <typeparam name="T">The type of the request.</typeparam>
        /// <param name="request">The request.</param>
        public void Post<T>(T request)
        {
            using (var message = MessageOf(request))
                client.Post(message);
        }

        /// <summary>Deposits a request and sends it now.</summary>
        /// <typeparam name="T">The type of the request.</typeparam>
        /// <param name="request">The request.</param>
        /// <param name="cancellation">Ends the wait. The message may be in the outbox then.</param>
        /// <returns>The task, whose result is the outcome of the message.</returns>
        public async Task<Report> PostAsync<T>(T request, CancellationToken cancellation = default(CancellationToken))
        {
            using (var message = MessageOf(request))
                return await client.PostAsync(message, cancellation).ConfigureAwait(false);
        }

        /// <summary>Returns the client and the number of mappers.</summary>
        /// <returns>The text.</returns>
        public override string ToString() => nameof(CommandProcessor) + " (" + client + ", mappers: " + mappers.Count + ")";

        private List<OutboxMessage> MessagesOf<T>(IEnumerable<T> requests)
        {
            var messages = new List<OutboxMessage>();
            try
            {
                foreach (var request in requests ?? throw new ArgumentNullException(nameof(requests)))
                    messages.Add(MessageOf(request));
                return messages;
            }
            catch
            {
                messages.ForEach(message => message.Dispose());
                throw;
            }
        }

        private OutboxMessage MessageOf<T>(T request)
        {
            if (request == null)
                throw new ArgumentNullException(nameof(request));
            if (!mappers.TryGetValue(typeof(T), out var mapToMessage))
                throw new InvalidOperationException("no mapper is registered for " + typeof(T).FullName + ": call MapMessages<" + typeof(T).Name + "> first");
            return mapToMessage(request)
                ?? throw new InvalidOperationException("the mapper of " + typeof(T).FullName + " returned null instead of a message");
        }
    }
}
