using System;
using System.Threading.Tasks;
using Amazon.Runtime;

namespace Postbox
{
    /// <summary>Credentials of the AWS SDK for .NET.</summary>
    public static class CredentialExtensions
    {
        /// <summary>
        /// Uses credentials of the SDK, in place of the settings "access_key_id", "secret_access_key" and "session_token", and of the
        /// default chain of AWS. <see cref="PostboxConfig.Open"/> waits until the SDK has obtained them. The SDK is asked again each
        /// minute while a client is open. Credentials that the SDK renews more than a minute before they expire
        /// (<c>PreemptExpiryTime</c> of <c>RefreshingAWSCredentials</c>) are therefore replaced in time. With others, calls can fail with
        /// the error AccessDenied for up to a minute after the old ones have expired, and succeed again after that; sweeps try again. See
        /// <see cref="PostboxConfig.SetCredentials(Func{System.Threading.CancellationToken, ValueTask{PostboxCredentials}}, TimeSpan?)"/>.
        /// </summary>
        /// <remarks>
        /// Roles of instances, containers and pods, profiles and single sign-on need no call: by default, Postbox obtains these
        /// credentials from the same sources as the SDK, and renews them.
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
            if (credentials is AnonymousAWSCredentials)
                throw new ArgumentException("the credentials are anonymous: Postbox signs every request", nameof(credentials));
            return config.SetCredentials(async _ =>
            {
                var current = await credentials.GetCredentialsAsync().ConfigureAwait(false);
                return new PostboxCredentials(current.AccessKey, current.SecretKey, current.Token);
            });
        }
    }
}
