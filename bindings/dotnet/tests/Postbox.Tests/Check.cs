using System;
using System.Collections.Generic;
using System.Linq;

namespace Postbox.Tests
{
    internal sealed class CheckFailedException : Exception
    {
        internal CheckFailedException(string message) : base(message) { }
    }

    /// <summary>Assertions of the tests.</summary>
    internal static class Check
    {
        internal static void That(bool holds, string what)
        {
            if (!holds)
                throw new CheckFailedException(what);
        }

        internal static void Equal<T>(T expected, T found)
        {
            if (!EqualityComparer<T>.Default.Equals(expected, found))
                throw new CheckFailedException("expected <" + expected + ">, found <" + found + ">");
        }

        internal static void Same<T>(IEnumerable<T> expected, IEnumerable<T> found)
        {
            var expectedList = expected.ToList();
            var foundList = found.ToList();
            if (!expectedList.SequenceEqual(foundList))
                throw new CheckFailedException("expected [" + string.Join(", ", expectedList) + "], found [" + string.Join(", ", foundList) + "]");
        }

        internal static void Contains(string part, string text) => That(text != null && text.Contains(part), "no \"" + part + "\" in: " + text);

        /// <summary>Checks that the action throws exactly this exception, not a derived one.</summary>
        internal static T Throws<T>(Action action) where T : Exception
        {
            try
            {
                action();
            }
            catch (Exception failure) when (failure.GetType() == typeof(T))
            {
                return (T)failure;
            }
            catch (Exception failure)
            {
                throw new CheckFailedException("expected " + typeof(T).Name + ", got " + failure);
            }
            throw new CheckFailedException("expected " + typeof(T).Name + ", and nothing was thrown");
        }

        internal static PostboxException Fails(PostboxErrorCode code, Action action)
        {
            try
            {
                action();
            }
            catch (PostboxException failure)
            {
                Equal(code, failure.Code);
                return failure;
            }
            throw new CheckFailedException("expected the error " + code + ", and nothing was thrown");
        }
    }
}
