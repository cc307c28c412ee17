using System.Threading.Tasks;

namespace Amazon.Runtime
{
    public abstract class AWSCredentials
    {
        public abstract ImmutableCredentials GetCredentials();

        public virtual Task<ImmutableCredentials> GetCredentialsAsync() => Task.FromResult(GetCredentials());
    }

    public class ImmutableCredentials
    {
        public ImmutableCredentials(string awsAccessKeyId, string awsSecretAccessKey, string token)
        {
            AccessKey = awsAccessKeyId;
            SecretKey = awsSecretAccessKey;
            Token = token ?? "";
        }

        public string AccessKey { get; }

        public string SecretKey { get; }

        public string Token { get; }

        public bool UseToken => Token != "";
    }

    public class BasicAWSCredentials : AWSCredentials
    {
        private readonly ImmutableCredentials credentials;

        public BasicAWSCredentials(string accessKey, string secretKey) => credentials = new ImmutableCredentials(accessKey, secretKey, null);

        public override ImmutableCredentials GetCredentials() => credentials;
    }

    public class SessionAWSCredentials : AWSCredentials
    {
        private readonly ImmutableCredentials credentials;

        public SessionAWSCredentials(string awsAccessKeyId, string awsSecretAccessKey, string token) =>
            credentials = new ImmutableCredentials(awsAccessKeyId, awsSecretAccessKey, token);

        public override ImmutableCredentials GetCredentials() => credentials;
    }

    public class AnonymousAWSCredentials : AWSCredentials
    {
        public override ImmutableCredentials GetCredentials() => null;
    }
}
