// The main job of Postbox: change your data and send a message about it, both or neither.
//
//     Greetings [database-file]
//
// It works on the embedded database, in memory unless a file is given. Run it twice on one file: the second run finds what the
// first has written. examples/c/greetings.c is the same in C.
using System;
using System.Globalization;
using System.Text.RegularExpressions;
using Postbox;

internal static class Greetings
{
    private const string Ada = "{\"Name\":{\"S\":\"Ada\"}}";

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
                    Run(postbox);
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

    // The producer: a real one would hand the message to a broker.
    private static SendResult PrintMessage(Message message)
    {
        Console.WriteLine("  The producer of " + message.Topic + " sends: " + message.BodyText);
        return SendResult.Sent;
    }

    // Makes the program's own table, if it is not there.
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

    // How often the person was greeted; a program of your own would use a JSON library.
    private static int GreetingsOf(string person)
    {
        var found = Regex.Match(person ?? "", "\"Greetings\":\\{\"N\":\"([0-9]+)\"");
        return found.Success ? int.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
    }

    private static string Times(int count) => count + (count == 1 ? " time" : " times");

    // Reads Ada, counts one greeting more, and puts that and the message into the unit of work.
    private static int AddGreeting(UnitOfWork work, string id)
    {
        var greetings = GreetingsOf(work.GetItem("People", Ada)) + 1;
        work.Put("People", "{\"Name\":{\"S\":\"Ada\"},\"Greetings\":{\"N\":\"" + greetings + "\"}}");
        using (var message = new Message("greeting.made", "{\"name\":\"Ada\",\"greetings\":" + greetings + "}") { Id = id })
            work.DepositPost(message);
        return greetings;
    }

    // The handler: greets Ada and tells the world, both or neither.
    private static void Greet(PostboxClient postbox, string id)
    {
        using (var work = postbox.BeginUnitOfWork())
        {
            var greetings = AddGreeting(work, id);
            work.Commit();
            Console.WriteLine("Committed: Ada was greeted " + Times(greetings) + ", and message " + id + " is in the outbox.");
        }
        postbox.ClearOutbox(id);
        Console.WriteLine("Cleared: message " + id + " is dispatched.");
    }

    // The same, but it changes its mind: nothing is written, and nothing is ever sent.
    private static void GreetAndRollBack(PostboxClient postbox, string id)
    {
        using (var work = postbox.BeginUnitOfWork())
        {
            AddGreeting(work, id);
            work.Rollback();
        }
        using (var found = postbox.GetMessage(id))
            Console.WriteLine("Rolled back: the outbox has " + (found == null ? "no" : "a") + " message " + id + ".");
    }

    // The same command once more: its message is in the outbox already, so it takes no effect.
    private static void GreetAgain(PostboxClient postbox, string id)
    {
        try
        {
            Greet(postbox, id);
        }
        catch (DuplicateMessageException refused)
        {
            Console.WriteLine("Refused: " + refused.Message + ".");
        }
    }

    private static void Run(PostboxClient postbox)
    {
        MakePeople(postbox);
        var before = GreetingsOf(postbox.GetItem("People", Ada));
        Console.WriteLine("Ada was greeted " + Times(before) + " before.");

        // The id of the command that is handled, such as a request's: it takes effect once.
        var id = "greeting-" + (before + 1);
        Greet(postbox, id);
        GreetAndRollBack(postbox, "greeting-" + (before + 2));
        GreetAgain(postbox, id);

        Console.WriteLine("Ada was greeted " + Times(GreetingsOf(postbox.GetItem("People", Ada))) + " in all.");
    }
}
