using System.Collections.Generic;
using System.Linq;
using Amazon.DynamoDBv2.Model;

namespace Postbox.Tests
{
    /// <summary>
    /// The client of the SDK in these tests: sends requests of the SDK's types to the embedded database, as the JSON that the SDK
    /// sends to DynamoDB.
    /// </summary>
    internal static class Dynamo
    {
        internal static void TransactWriteItems(PostboxClient client, TransactWriteItemsRequest request)
        {
            try
            {
                client.EmbeddedExecute("TransactWriteItems", World.Json(RequestJson.TransactWriteItems(request)));
            }
            catch (PostboxException failure) when (failure.Message.Contains("Transaction cancelled"))
            {
                throw new TransactionCanceledException(failure.Message) { CancellationReasons = Reasons(failure.Message) };
            }
        }

        /// <summary>The reasons in the text of the error: "... specific reasons [None, ConditionalCheckFailed]".</summary>
        private static List<CancellationReason> Reasons(string text)
        {
            var start = text.IndexOf('[') + 1;
            return text.Substring(start, text.IndexOf(']') - start).Split(',').Select(code => new CancellationReason { Code = code.Trim() }).ToList();
        }
    }
}
