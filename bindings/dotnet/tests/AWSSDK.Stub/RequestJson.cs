using System.Collections.Generic;
using System.Linq;
using Newtonsoft.Json.Linq;

namespace Amazon.DynamoDBv2.Model
{
    /// <summary>Writes requests as the JSON that the SDK sends to DynamoDB. The tests of Postbox.AWSSDK link this file.</summary>
    internal static class RequestJson
    {
        internal static JObject TransactWriteItems(TransactWriteItemsRequest request)
        {
            return new JObject { ["TransactItems"] = new JArray(request.TransactItems.Select(Action)) };
        }

        internal static JObject Item(Dictionary<string, AttributeValue> item) =>
            new JObject(item.Select(attribute => new JProperty(attribute.Key, Value(attribute.Value))));

        private static JObject Action(TransactWriteItem action)
        {
            var put = action.Put;
            var json = new JObject { ["TableName"] = put.TableName, ["Item"] = Item(put.Item) };
            if (put.ConditionExpression != null)
                json["ConditionExpression"] = put.ConditionExpression;
            return new JObject { ["Put"] = json };
        }

        private static JObject Value(AttributeValue value)
        {
            return value.S != null ? new JObject { ["S"] = value.S }
                : value.N != null ? new JObject { ["N"] = value.N }
                : value.B != null ? new JObject { ["B"] = value.B.ToArray() }
                : value.IsBOOLSet ? new JObject { ["BOOL"] = value.BOOL }
                : value.IsMSet ? new JObject { ["M"] = Item(value.M) }
                : value.IsLSet ? new JObject { ["L"] = new JArray(value.L.Select(Value)) }
                : value.SS?.Count > 0 ? new JObject { ["SS"] = new JArray(value.SS) }
                : value.NS?.Count > 0 ? new JObject { ["NS"] = new JArray(value.NS) }
                : value.BS?.Count > 0 ? new JObject { ["BS"] = new JArray(value.BS.Select(one => one.ToArray())) }
                : new JObject { ["NULL"] = true };
        }
    }
}
