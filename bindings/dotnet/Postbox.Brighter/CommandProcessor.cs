using System;
using System.Collections.Generic;
using System.Linq;

namespace Postbox.Brighter
{
    /// <summary>
    /// The outbox methods of Brighter's command processor, with the same names. Registered mappers convert requests to
    /// messages.
    /// </summary>
    public sealed class CommandProcessor
    {
        private readonly PostboxClient client;
        private readonly Dictionary<Type, Func<object, OutboxMessage>> mappers = new Dictionary<Type, Func<object, OutboxMessage>>();

        /// <summary>Creates a command processor over a client, which the caller still owns.</summary>
        /// <param name="client">The client.</param>
        public CommandProcessor(PostboxClient client)
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
        /// <returns>The id of the message, for <see cref="ClearOutbox"/>.</returns>
        public string DepositPost<T>(T request)
        {
            using (var message = MessageOf(request))
                return client.DepositPost(message);
        }

        /// <summary>
        /// Deposits requests in the outbox, outside a transaction. One request to DynamoDB stores up to 25 messages.
        /// </summary>
        /// <typeparam name="T">The type of the requests.</typeparam>
        /// <param name="requests">The requests.</param>
        /// <returns>The ids of the messages, for <see cref="ClearOutbox"/>.</returns>
        public string[] DepositPosts<T>(IEnumerable<T> requests)
        {
            if (requests == null)
                throw new ArgumentNullException(nameof(requests));
            var messages = new List<OutboxMessage>();
            try
            {
                foreach (var request in requests)
                    messages.Add(MessageOf(request));
                return client.DepositPosts(messages).ToArray();
            }
            finally
            {
                messages.ForEach(message => message.Dispose());
            }
        }

        /// <summary>
        /// Deposits a request in the transaction of a unit of work. Starts a transaction if none is open.
        /// </summary>
        /// <typeparam name="T">The type of the request.</typeparam>
        /// <param name="request">The request.</param>
        /// <param name="unitOfWork">The unit of work.</param>
        /// <returns>The id of the message, for <see cref="ClearOutbox"/> after the commit.</returns>
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

        /// <summary>Deposits a request and sends it now.</summary>
        /// <typeparam name="T">The type of the request.</typeparam>
        /// <param name="request">The request.</param>
        public void Post<T>(T request)
        {
            using (var message = MessageOf(request))
                client.Post(message);
        }

        /// <summary>Returns the client and the number of mappers.</summary>
        /// <returns>The text.</returns>
        public override string ToString() => nameof(CommandProcessor) + " (" + client + ", mappers: " + mappers.Count + ")";

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
