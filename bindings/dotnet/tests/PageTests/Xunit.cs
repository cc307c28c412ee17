// The part of xUnit that the tests on docs/getting-started-dotnet.md use, and a program that runs them.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;

[AttributeUsage(AttributeTargets.Method)]
public sealed class FactAttribute : Attribute
{
}

public static class Assert
{
    public static void Equal<T>(IEnumerable<T> expected, IEnumerable<T> actual) => Check(expected.SequenceEqual(actual));

    public static void Equal(long expected, long actual) => Check(expected == actual);

    public static void NotNull(object? actual) => Check(actual != null);

    public static async Task ThrowsAnyAsync<T>(Func<Task> act)
        where T : Exception
    {
        try
        {
            await act();
        }
        catch (T)
        {
            return;
        }
        Check(false);
    }

    private static void Check(bool condition)
    {
        if (!condition)
            throw new InvalidOperationException("a check of the page failed: " + Environment.StackTrace);
    }
}

internal static class RunTests
{
    private static async Task Main()
    {
        var tests = typeof(PageTests).GetMethods().Where(method => method.IsDefined(typeof(FactAttribute), false)).ToList();
        foreach (var test in tests)
            await (Task)test.Invoke(new PageTests(), null)!;
        Console.WriteLine(tests.Count + " passed");
    }
}
