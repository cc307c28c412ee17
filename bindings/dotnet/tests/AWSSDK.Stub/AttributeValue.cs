using System.Collections.Generic;
using System.IO;

namespace Amazon.DynamoDBv2.Model
{
    public class AttributeValue
    {
        private readonly Absent absent = new Absent();

        public AttributeValue() { }

        public AttributeValue(string s) => S = s;

        public AttributeValue(List<string> ss) => SS = ss;

        public string S { get; set; }

        public string N { get; set; }

        public MemoryStream B { get; set; }

        public List<string> SS { get; set; } = Absent.Collection<List<string>>();

        public List<string> NS { get; set; } = Absent.Collection<List<string>>();

        public List<MemoryStream> BS { get; set; } = Absent.Collection<List<MemoryStream>>();

        public List<AttributeValue> L { get; set; } = Absent.Collection<List<AttributeValue>>();

        public Dictionary<string, AttributeValue> M { get; set; } = Absent.Collection<Dictionary<string, AttributeValue>>();

        public bool IsLSet
        {
            get => absent.IsSet(L, L?.Count);
            set => absent.Set(L = value ? new List<AttributeValue>(L ?? new List<AttributeValue>()) : Absent.Collection<List<AttributeValue>>(), value);
        }

        public bool IsMSet
        {
            get => absent.IsSet(M, M?.Count);
            set => absent.Set(M = value
                ? new Dictionary<string, AttributeValue>(M ?? new Dictionary<string, AttributeValue>())
                : Absent.Collection<Dictionary<string, AttributeValue>>(), value);
        }

#if AWSSDK_3_7
        private bool? flag;

        public bool BOOL { get => flag.GetValueOrDefault(); set => flag = value; }

        public bool IsBOOLSet { get => flag.HasValue; set => flag = value ? false : default(bool?); }

        public bool NULL { get; set; }
#else
        public bool? BOOL { get; set; }

        public bool IsBOOLSet { get => BOOL.HasValue; set => BOOL = value ? BOOL ?? false : default(bool?); }

        public bool? NULL { get; set; }
#endif
    }

    /// <summary>
    /// Which collections are set. In version 4, those that are not null. In version 3.7, those that are not empty, and those that were
    /// set by IsLSet or IsMSet.
    /// </summary>
    internal sealed class Absent
    {
#if AWSSDK_3_7
        private readonly List<object> sent = new List<object>();

        internal static T Collection<T>() where T : class, new() => new T();

        internal bool IsSet(object collection, int? count) => count > 0 || sent.Contains(collection);

        internal void Set(object collection, bool isSet)
        {
            if (isSet)
                sent.Add(collection);
        }
#else
        internal static T Collection<T>() where T : class => null;

        internal bool IsSet(object collection, int? count) => count.HasValue;

        internal void Set(object collection, bool isSet) { }
#endif
    }
}
