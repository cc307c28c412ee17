using System.Collections.Generic;
using System.Linq;
using Amazon.DynamoDBv2.Model;
using Newtonsoft.Json.Linq;

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
            var items = new JArray(request.TransactItems.Select(Action));
            try
            {
                client.EmbeddedExecute("TransactWriteItems", World.Json(new JObject { ["TransactItems"] = items }));
            }
            catch (PostboxException failure) when (failure.Message.Contains("Transaction cancelled"))
            {
                throw new TransactionCanceledException(failure.Message) { CancellationReasons = Reasons(failure.Message) };
            }
        }

        /// <summary>An item in DynamoDB JSON.</summary>
        internal static JObject Json(Dictionary<string, AttributeValue> item) =>
            new JObject(item.Select(attribute => new JProperty(attribute.Key, Json(attribute.Value))));

        private static JObject Json(AttributeValue value)
        {
            return value.S != null ? new JObject { ["S"] = value.S }
                : value.N != null ? new JObject { ["N"] = value.N }
                : value.B != null ? new JObject { ["B"] = value.B.ToArray() }
                : value.IsBOOLSet ? new JObject { ["BOOL"] = value.BOOL }
                : value.IsMSet ? new JObject { ["M"] = Json(value.M) }
                : value.IsLSet ? new JObject { ["L"] = new JArray(value.L.Select(Json)) }
                : value.SS?.Count > 0 ? new JObject { ["SS"] = new JArray(value.SS) }
                : value.NS?.Count > 0 ? new JObject { ["NS"] = new JArray(value.NS) }
                : value.BS?.Count > 0 ? new JObject { ["BS"] = new JArray(value.BS.Select(one => one.ToArray())) }
                : new JObject { ["NULL"] = true };
        }

        private static JObject Action(TransactWriteItem action)
        {
            var put = action.Put;
            var json = new JObject { ["TableName"] = put.TableName, ["Item"] = Json(put.Item) };
            if (put.ConditionExpression != null)
                json["ConditionExpression"] = put.ConditionExpression;
            return new JObject { ["Put"] = json };
        }

        /// <summary>The reasons in the text of the error: "... specific reasons [None, ConditionalCheckFailed]".</summary>
        private static List<CancellationReason> Reasons(string text)
        {
            var start = text.IndexOf('[') + 1;
            return text.Substring(start, text.IndexOf(']') - start).Split(',')
                .Select(code => new CancellationReason { Code = code.Trim(), Message = code.Trim() == "None" ? null : "The conditional request failed" }).ToList();
        }
    }
}
