using System;
using System.Collections.Generic;

namespace Amazon.DynamoDBv2
{
    public class AmazonDynamoDBException : Exception
    {
        public AmazonDynamoDBException(string message) : base(message) { }
    }

    public class ReturnValuesOnConditionCheckFailure
    {
        public static readonly ReturnValuesOnConditionCheckFailure ALL_OLD = new ReturnValuesOnConditionCheckFailure("ALL_OLD");

        public static readonly ReturnValuesOnConditionCheckFailure NONE = new ReturnValuesOnConditionCheckFailure("NONE");

        public ReturnValuesOnConditionCheckFailure(string value) => Value = value;

        public string Value { get; }
    }
}

namespace Amazon.DynamoDBv2.Model
{
    public class Put
    {
        public string TableName { get; set; }

        public Dictionary<string, AttributeValue> Item { get; set; } = Absent.Collection<Dictionary<string, AttributeValue>>();

        public string ConditionExpression { get; set; }

        public Dictionary<string, string> ExpressionAttributeNames { get; set; } = Absent.Collection<Dictionary<string, string>>();

        public Dictionary<string, AttributeValue> ExpressionAttributeValues { get; set; } = Absent.Collection<Dictionary<string, AttributeValue>>();

        public ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure { get; set; }
    }

    public class Update
    {
        public string TableName { get; set; }

        public Dictionary<string, AttributeValue> Key { get; set; } = Absent.Collection<Dictionary<string, AttributeValue>>();

        public string UpdateExpression { get; set; }

        public string ConditionExpression { get; set; }

        public Dictionary<string, string> ExpressionAttributeNames { get; set; } = Absent.Collection<Dictionary<string, string>>();

        public Dictionary<string, AttributeValue> ExpressionAttributeValues { get; set; } = Absent.Collection<Dictionary<string, AttributeValue>>();

        public ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure { get; set; }
    }

    public class Delete
    {
        public string TableName { get; set; }

        public Dictionary<string, AttributeValue> Key { get; set; } = Absent.Collection<Dictionary<string, AttributeValue>>();

        public string ConditionExpression { get; set; }

        public Dictionary<string, string> ExpressionAttributeNames { get; set; } = Absent.Collection<Dictionary<string, string>>();

        public Dictionary<string, AttributeValue> ExpressionAttributeValues { get; set; } = Absent.Collection<Dictionary<string, AttributeValue>>();

        public ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure { get; set; }
    }

    public class ConditionCheck
    {
        public string TableName { get; set; }

        public Dictionary<string, AttributeValue> Key { get; set; } = Absent.Collection<Dictionary<string, AttributeValue>>();

        public string ConditionExpression { get; set; }

        public Dictionary<string, string> ExpressionAttributeNames { get; set; } = Absent.Collection<Dictionary<string, string>>();

        public Dictionary<string, AttributeValue> ExpressionAttributeValues { get; set; } = Absent.Collection<Dictionary<string, AttributeValue>>();

        public ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure { get; set; }
    }

    public class TransactWriteItem
    {
        public Put Put { get; set; }

        public Update Update { get; set; }

        public Delete Delete { get; set; }

        public ConditionCheck ConditionCheck { get; set; }
    }

    public class TransactWriteItemsRequest
    {
        public string ClientRequestToken { get; set; }

        public List<TransactWriteItem> TransactItems { get; set; } = Absent.Collection<List<TransactWriteItem>>();
    }

    public class TransactWriteItemsResponse
    {
    }

    public class CancellationReason
    {
        public string Code { get; set; }

        public string Message { get; set; }

        public Dictionary<string, AttributeValue> Item { get; set; } = Absent.Collection<Dictionary<string, AttributeValue>>();
    }

    public class TransactionCanceledException : AmazonDynamoDBException
    {
        public TransactionCanceledException(string message) : base(message) { }

        public List<CancellationReason> CancellationReasons { get; set; } = Absent.Collection<List<CancellationReason>>();
    }
}
