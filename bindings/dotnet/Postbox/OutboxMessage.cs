using System;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Postbox
{
    /// <summary>
    /// A message with header fields and a body of bytes. Depositing copies the message, so that the caller can change,
    /// deposit again or dispose of the message afterwards. A message that belongs to a page, or that is passed to a
    /// producer or an archive, is read-only. A message that is passed to a producer or an archive is valid during the
    /// call only. Any number of threads may use one message.
    /// </summary>
    public sealed partial class OutboxMessage : IDisposable
    {
        private readonly MessageHandle handle;

        /// <summary>
        /// Creates a message with a new id, a UUID v7. If the body is not UTF-8, set the field content_type to a type of
        /// bytes, such as application/octet-stream.
        /// </summary>
        /// <param name="topic">The routing key, which determines the producer that sends the message.</param>
        /// <param name="body">The bytes, which are copied, or null for an empty body.</param>
        /// <exception cref="ArgumentException">The topic contains a NUL character or an unpaired surrogate.</exception>
        public OutboxMessage(string topic, byte[]? body) : this(topic, new ReadOnlySpan<byte>(body)) { }

        /// <summary>Creates a message as the other overload does, from bytes in any memory.</summary>
        /// <param name="topic">The routing key, which determines the producer that sends the message.</param>
        /// <param name="body">The bytes, which are copied once, to memory of the library.</param>
        /// <exception cref="ArgumentException">The topic contains a NUL character or an unpaired surrogate.</exception>
        public OutboxMessage(string topic, ReadOnlySpan<byte> body)
        {
            PostboxLibrary.Check();
            IntPtr pointer;
            Errors.Check(Native.postbox_message_new(
                Utf8.Required(topic, nameof(topic)), in MemoryMarshal.GetReference(body), (UIntPtr)body.Length, out pointer));
            handle = new OwnedMessageHandle(pointer, body.Length);
        }

        /// <summary>Creates a message whose body is a string, in UTF-8.</summary>
        /// <param name="topic">The routing key, which determines the producer that sends the message.</param>
        /// <param name="body">The text.</param>
        /// <exception cref="ArgumentException">
        /// The topic or the body contains an unpaired surrogate, or the topic contains a NUL character.
        /// </exception>
        public OutboxMessage(string topic, string body) : this(topic, Utf8.Body(body, nameof(body))) { }

        internal OutboxMessage(MessageHandle handle)
        {
            this.handle = handle;
        }

        /// <summary>
        /// The id of the message. If a program uses the same id each time it repeats an operation, the transaction of
        /// the operation takes effect only once.
        /// </summary>
        public string Id
        {
            get => Read(Native.postbox_message_id) ?? "";
            set => this["id"] = value;
        }

        /// <summary>The routing key, which determines the producer that sends the message.</summary>
        public string Topic
        {
            get => Read(Native.postbox_message_topic) ?? "";
            set => this["topic"] = value;
        }

        /// <summary>The content type of the body. A new message has <c>application/json; charset=utf-8</c>.</summary>
        public string? ContentType
        {
            get => this["content_type"];
            set => this["content_type"] = value;
        }

        /// <summary>The partition key, or null. Messages with the same key are sent in order.</summary>
        public string? PartitionKey
        {
            get => this["partition_key"];
            set => this["partition_key"] = value;
        }

        /// <summary>The id that connects a reply or a follow-up to its request, or null.</summary>
        public string? CorrelationId
        {
            get => this["correlation_id"];
            set => this["correlation_id"] = value;
        }

        /// <summary>The id of the cause of this message, or null. Messages can be replayed by causation id.</summary>
        public string? CausationId
        {
            get => this["causation_id"];
            set => this["causation_id"] = value;
        }

        /// <summary>
        /// The time at which the message was created. Messages with the same partition key are sent in the order of
        /// this time. No digits are lost: its unit is a tick, as in the table.
        /// </summary>
        public DateTimeOffset CreatedAt
        {
            get
            {
                lock (handle)
                using (Handle.Using())
                    return new DateTimeOffset(Native.postbox_message_created_ticks(handle), TimeSpan.Zero);
            }
            set
            {
                lock (handle)
                    Errors.Check(Native.postbox_message_set_created_ticks(Changeable, value.UtcTicks));
            }
        }

        /// <summary>
        /// The header bag, which has the program's own headers. Its entries are any JSON values: an object is an
        /// <see cref="Item"/>, an array is a list, and a number that is not a <see cref="decimal"/> is an
        /// <see cref="ItemNumber"/> with all its digits. Reading copies the bag. To change an entry, change the copy and set
        /// it. A set or a byte array is rejected with <see cref="PostboxErrorCode.InvalidMessage"/>.
        /// </summary>
        public Item Bag
        {
            get
            {
                IntPtr bag;
                lock (handle)
                using (Handle.Using())
                    Errors.Check(Native.postbox_message_bag(handle, out bag));
                return ItemReader.Take(bag);
            }
            set
            {
                using (var bag = ItemWriter.Write(value, nameof(value)))
                    lock (handle)
                        Errors.Check(Native.postbox_message_set_bag(Changeable, bag.Pointer));
            }
        }

        /// <summary>
        /// The time at which the message was marked dispatched. Null if the message is not dispatched, or was not read
        /// from the outbox.
        /// </summary>
        public DateTimeOffset? DispatchedAt => Time("dispatched_at");

        /// <summary>The number of counted failures of a message that was read from the outbox.</summary>
        public int DispatchAttempts => int.Parse(this["dispatch_attempts"] ?? "0", CultureInfo.InvariantCulture);

        /// <summary>
        /// The reason for which the last attempt to send a message from the outbox failed. Null if no attempt failed.
        /// </summary>
        public string? LastError => this["last_error"];

        /// <summary>The state of a message that was read from the outbox. Null for other messages.</summary>
        public MessageState? State
        {
            get
            {
                var state = this["state"];
                return state == null ? (MessageState?)null : (MessageState)Enum.Parse(typeof(MessageState), state, true);
            }
        }

        /// <summary>
        /// A header field, by its name in CONFIGURATION.md, such as "content_type" or "reply_to". The name "bag.NAME"
        /// stands for the entry NAME of the header bag. The value is null if an optional field is not set. Setting null
        /// removes the field.
        /// </summary>
        /// <param name="field">The name.</param>
        /// <exception cref="PostboxException">
        /// The name of the field is unknown (the text of the exception lists similar names), or the value is invalid
        /// for the field.
        /// </exception>
        public string? this[string field]
        {
            get => Read(message =>
            {
                IntPtr value;
                Errors.Check(Native.postbox_message_get(message, Utf8.Required(field, nameof(field)), out value));
                return value;
            });
            set
            {
                lock (handle)
                    Errors.Check(Native.postbox_message_set(Changeable, Utf8.Required(field, nameof(field)), Utf8.Required(value ?? "", nameof(value))));
            }
        }

        /// <summary>Returns the id, the topic and the size, without the body: "7f3a orders (120 bytes)".</summary>
        /// <returns>The text. A message that was disposed of has a text too.</returns>
        public override string ToString()
        {
            try
            {
                return Id + " " + Topic + " (" + Text.Plural(BodyLength, "byte") + ")";
            }
            catch (ObjectDisposedException)
            {
                return nameof(OutboxMessage) + " (disposed)";
            }
        }

        /// <summary>Frees the message. Disposing twice is harmless.</summary>
        public void Dispose() => handle.Dispose();

        internal OutboxMessage Copy()
        {
            lock (handle)
                return new OutboxMessage(new OwnedMessageHandle(Native.postbox_message_copy(Handle)));
        }

        /// <summary>The handle. Throws an exception if the message was disposed of.</summary>
        internal MessageHandle Handle
        {
            get
            {
                if (handle.IsDisposed)
                    throw new ObjectDisposedException(nameof(OutboxMessage), "the message was disposed of, or belonged to a producer's call that has ended");
                return handle;
            }
        }

        /// <summary>The handle of a message that can be changed. The caller holds the lock.</summary>
        private MessageHandle Changeable
        {
            get
            {
                if (readers > 0)
                    throw new InvalidOperationException("the message cannot be changed while its body is read");
                if (Handle is OwnedMessageHandle)
                    return handle;
                throw new InvalidOperationException("this message belongs to a page or to the call of a producer or an archive, and can be read only");
            }
        }

        /// <summary>Reads a borrowed string while no other thread changes or frees it.</summary>
        private string? Read(Func<MessageHandle, IntPtr> borrow)
        {
            lock (handle)
            using (Handle.Using())
                return Utf8.ReadOptional(borrow(handle));
        }

        private DateTimeOffset? Time(string field)
        {
            var time = this[field];
            return time == null ? (DateTimeOffset?)null : DateTimeOffset.Parse(time, CultureInfo.InvariantCulture);
        }
    }
}
