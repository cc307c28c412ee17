using System;
using Amazon.Runtime;

namespace Postbox
{
    /// <summary>Credentials of the AWS SDK for .NET.</summary>
    public static class CredentialExtensions
    {
        /// <summary>
        /// Sets the settings "access_key_id", "secret_access_key" and "session_token" to the current credentials of the SDK.
        /// </summary>
        /// <remarks>
        /// The credentials are read once, in this call, which waits if the SDK has to obtain them. Clients that are opened with
        /// this configuration use them until they expire. Then their calls fail with <see cref="PostboxErrorCode.AccessDenied"/>.
        /// This method is meant for credentials that do not expire. Roles of instances, containers and pods, profiles
        /// and single sign-on need no call: by default, Postbox obtains these credentials from the same sources as the SDK, and
        /// renews them.
        /// </remarks>
        /// <param name="config">The configuration.</param>
        /// <param name="credentials">The credentials. <c>AnonymousAWSCredentials</c> have none.</param>
        /// <returns>The configuration.</returns>
        /// <exception cref="ArgumentException">The credentials are anonymous.</exception>
        public static PostboxConfig SetCredentials(this PostboxConfig config, AWSCredentials credentials)
        {
            if (config == null)
                throw new ArgumentNullException(nameof(config));
            if (credentials == null)
                throw new ArgumentNullException(nameof(credentials));
            var current = credentials.GetCredentials()
                ?? throw new ArgumentException("the credentials are anonymous: Postbox signs every request", nameof(credentials));
            return config.Set("access_key_id", current.AccessKey).Set("secret_access_key", current.SecretKey)
                .Set("session_token", current.UseToken ? current.Token : "");
        }
    }
}
