using System;

namespace Postbox
{
    /// <summary>Credentials of AWS, which a program has from a source of its own.</summary>
    public sealed class PostboxCredentials : IEquatable<PostboxCredentials>
    {
        /// <summary>Creates credentials.</summary>
        /// <param name="accessKeyId">The access key.</param>
        /// <param name="secretAccessKey">The secret of the access key.</param>
        /// <param name="sessionToken">The session token of temporary credentials. Null or empty for others.</param>
        /// <param name="expiration">The time at which the credentials expire, or null if it is not known.</param>
        public PostboxCredentials(string accessKeyId, string secretAccessKey, string? sessionToken = null, DateTimeOffset? expiration = null)
        {
            AccessKeyId = accessKeyId ?? throw new ArgumentNullException(nameof(accessKeyId));
            SecretAccessKey = secretAccessKey ?? throw new ArgumentNullException(nameof(secretAccessKey));
            SessionToken = string.IsNullOrEmpty(sessionToken) ? null : sessionToken;
            Expiration = expiration;
        }

        /// <summary>The access key.</summary>
        public string AccessKeyId { get; }

        /// <summary>The secret of the access key.</summary>
        public string SecretAccessKey { get; }

        /// <summary>The session token, or null.</summary>
        public string? SessionToken { get; }

        /// <summary>The time at which the credentials expire, or null if it is not known.</summary>
        public DateTimeOffset? Expiration { get; }

        /// <summary>Returns whether the credentials are the same.</summary>
        /// <param name="other">Other credentials, or null.</param>
        /// <returns>Whether all values are the same.</returns>
        public bool Equals(PostboxCredentials? other) =>
            other != null && AccessKeyId == other.AccessKeyId && SecretAccessKey == other.SecretAccessKey && SessionToken == other.SessionToken
            && Expiration == other.Expiration;

        /// <inheritdoc/>
        public override bool Equals(object? obj) => Equals(obj as PostboxCredentials);

        /// <inheritdoc/>
        public override int GetHashCode() => AccessKeyId.GetHashCode();

        /// <summary>Returns the access key, and not the secrets.</summary>
        /// <returns>The text.</returns>
        public override string ToString() => nameof(PostboxCredentials) + " (" + AccessKeyId + ")";
    }
}
