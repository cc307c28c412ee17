// The main job of Postbox: change your data and send a message about it, both or neither.
//
//     Greetings [database-file]
//
// The example uses the embedded database, in memory unless a file is given. Run it twice with one file: the second run finds the
// data of the first. examples/c/greetings.c is the same in C.
using System;
using Postbox;

// An item of the table People.
internal sealed class Person
{
    public string Name { get; set; }

    public int Greetings { get; set; }
}

internal static class Greetings
{
    private const string PeopleTable =
        "{\"TableName\":\"People\",\"BillingMode\":\"PAY_PER_REQUEST\","
        + "\"AttributeDefinitions\":[{\"AttributeName\":\"Name\",\"AttributeType\":\"S\"}],"
        + "\"KeySchema\":[{\"AttributeName\":\"Name\",\"KeyType\":\"HASH\"}]}";

    private static int Main(string[] arguments)
    {
        try
        {
            using (var config = new PostboxConfig())
            {
                config.Set("embedded_path", arguments.Length > 0 ? arguments[0] : ":memory:").AddProducer("greeting.made", PrintMessage);
                using (var postbox = config.Open())
                {
                    Run(postbox, "Ada");
                    postbox.Close();
                }
            }
            return 0;
        }
        catch (PostboxException failure)
        {
            Console.Error.WriteLine("greetings: " + failure.Message);
            foreach (var reason in failure.Reasons)
                Console.Error.WriteLine("  " + reason);
            return 1;
        }
    }

    // The producer. A real producer would pass the message to a broker.
    private static SendResult PrintMessage(OutboxMessage message)
    {
        Console.WriteLine("  The producer of " + message.Topic + " sends: " + message.BodyText);
        return SendResult.Sent;
    }

    // Creates the table of the program if it does not exist.
    private static void MakePeople(PostboxClient postbox)
    {
        try
        {
            postbox.EmbeddedExecute("DescribeTable", "{\"TableName\":\"People\"}");
        }
        catch (PostboxException failure) when (failure.Code == PostboxErrorCode.TableNotFound)
        {
            postbox.EmbeddedExecute("CreateTable", PeopleTable);
        }
    }

    private static Item KeyOf(string name) => new Item { ["Name"] = name };

    private static string Times(int count) => count + (count == 1 ? " time" : " times");

    // Reads the person, counts one greeting more, and adds the person and the message to the unit of work.
    private static int AddGreeting(UnitOfWork work, string name, string id)
    {
        var person = work.GetItem("People", KeyOf(name))?.To<Person>() ?? new Person { Name = name };
        person.Greetings++;
        work.Put("People", Item.From(person));
        using (var message = new OutboxMessage("greeting.made", name + " was greeted " + Times(person.Greetings)) { Id = id, ContentType = "text/plain" })
            work.DepositPost(message);
        return person.Greetings;
    }

    // The handler. Greets a person and announces it, both or neither.
    private static void Greet(PostboxClient postbox, string name, string id)
    {
        using (var work = postbox.BeginUnitOfWork())
        {
            var greetings = AddGreeting(work, name, id);
            work.Commit();
            Console.WriteLine("Committed: " + name + " was greeted " + Times(greetings) + ", and message " + id + " is in the outbox.");
        }
        postbox.ClearOutbox(id);
        Console.WriteLine("Cleared: message " + id + " is dispatched.");
    }

    // Greets a person and rolls back, so that nothing is written or sent.
    private static void GreetAndRollBack(PostboxClient postbox, string name, string id)
    {
        using (var work = postbox.BeginUnitOfWork())
        {
            AddGreeting(work, name, id);
            work.Rollback();
        }
        using (var found = postbox.GetMessage(id))
            Console.WriteLine("Rolled back: the outbox has " + (found == null ? "no" : "a") + " message " + id + ".");
    }

    // Repeats the command, whose message already exists in the outbox, so that it has no effect.
    private static void GreetAgain(PostboxClient postbox, string name, string id)
    {
        try
        {
            Greet(postbox, name, id);
        }
        catch (DuplicateMessageException rejected)
        {
            Console.WriteLine("Rejected: " + rejected.Message + ".");
        }
    }

    // Reads the number of greetings of the person.
    private static int ReadGreetings(PostboxClient postbox, string name)
    {
        return postbox.GetItem("People", KeyOf(name))?.GetOrDefault<int>("Greetings") ?? 0;
    }

    private static void Run(PostboxClient postbox, string name)
    {
        MakePeople(postbox);
        var before = ReadGreetings(postbox, name);
        Console.WriteLine(name + " was greeted " + Times(before) + " before.");

        // The id of the command that is handled, such as that of a request. The command takes effect once.
        var id = "greeting-" + (before + 1);
        Greet(postbox, name, id);
        GreetAndRollBack(postbox, name, "greeting-" + (before + 2));
        GreetAgain(postbox, name, id);

        Console.WriteLine(name + " was greeted " + Times(ReadGreetings(postbox, name)) + " in all.");
    }
}
