using System;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Amazon.DynamoDBv2.Model;
using Newtonsoft.Json.Linq;

namespace Amazon.DynamoDBv2
{
    public interface IAmazonDynamoDB : IDisposable
    {
        Task<TransactWriteItemsResponse> TransactWriteItemsAsync(TransactWriteItemsRequest request, CancellationToken cancellationToken = default);
    }

    /// <summary>Sends the puts of a transaction to the endpoint in AWS_ENDPOINT_URL_DYNAMODB, without a signature.</summary>
    public class AmazonDynamoDBClient : IAmazonDynamoDB
    {
        private readonly HttpClient http = new HttpClient();

        public async Task<TransactWriteItemsResponse> TransactWriteItemsAsync(TransactWriteItemsRequest request, CancellationToken cancellationToken = default)
        {
            var content = new StringContent(RequestJson.TransactWriteItems(request).ToString(), Encoding.UTF8);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/x-amz-json-1.0");
            content.Headers.Add("X-Amz-Target", "DynamoDB_20120810.TransactWriteItems");
            using (var response = await http.PostAsync(Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL_DYNAMODB"), content, cancellationToken))
            {
                var body = await response.Content.ReadAsStringAsync();
                if (!response.IsSuccessStatusCode)
                    throw Error(JObject.Parse(body));
                return new TransactWriteItemsResponse();
            }
        }

        public void Dispose() => http.Dispose();

        private static AmazonDynamoDBException Error(JObject error)
        {
            var reasons = error["CancellationReasons"];
            if (reasons == null)
                return new AmazonDynamoDBException(error.ToString());
            return new TransactionCanceledException((string)error["Message"])
            {
                CancellationReasons = reasons.Select(reason => new CancellationReason { Code = (string)reason["Code"], Message = (string)reason["Message"] }).ToList(),
            };
        }
    }
}
