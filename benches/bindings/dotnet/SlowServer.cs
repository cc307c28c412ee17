using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

/// <summary>A server in a process of its own, whose only thread responds to each request after a time.</summary>
internal static class SlowServer
{
    /// <summary>The argument of the program that runs the server.</summary>
    internal const string Name = "serve";

    /// <summary>Starts the server, which prints its port.</summary>
    internal static Process Start(int delay)
    {
        var start = new ProcessStartInfo(Process.GetCurrentProcess().MainModule.FileName)
        {
            Arguments = "exec \"" + typeof(SlowServer).Assembly.Location + "\" " + Name + " " + delay,
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        return Process.Start(start);
    }

    internal static int Run(int delay)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1000);
        Console.WriteLine(((IPEndPoint)listener.LocalEndPoint).Port);
        var received = new Dictionary<Socket, string>();
        var responses = new Queue<(long Due, Socket Socket, byte[] Response)>();
        var messages = new Messages();
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var ready = received.Keys.Concat(new[] { listener }).ToList();
            Socket.Select(ready, null, null, 1000);
            foreach (var socket in ready)
                if (socket == listener)
                    received[listener.Accept()] = "";
                else if (Receive(socket, received) is string request)
                    responses.Enqueue((clock.ElapsedMilliseconds + delay, socket, Http(messages.Respond(request))));
            while (responses.Count > 0 && responses.Peek().Due <= clock.ElapsedMilliseconds)
            {
                var due = responses.Dequeue();
                due.Socket.Send(due.Response);
            }
        }
    }

    private static byte[] Http(string body)
    {
        return Encoding.ASCII.GetBytes(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: " + body.Length + "\r\n\r\n" + body);
    }

    /// <summary>Receives a part of a request. Returns the request if it is complete.</summary>
    private static string Receive(Socket socket, Dictionary<Socket, string> received)
    {
        var buffer = new byte[65536];
        var count = socket.Receive(buffer);
        var text = received[socket] + Encoding.ASCII.GetString(buffer, 0, count);
        var head = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var length = Regex.Match(text, "content-length: *([0-9]+)", RegexOptions.IgnoreCase);
        var isWhole = head >= 0 && text.Length >= head + 4 + int.Parse(length.Groups[1].Value, CultureInfo.InvariantCulture);
        received[socket] = isWhole ? "" : text;
        if (count > 0)
            return isWhole ? text : null;
        received.Remove(socket);
        socket.Close();
        return null;
    }
}

/// <summary>The messages that were committed. Nothing else is stored.</summary>
internal sealed class Messages
{
    private readonly Dictionary<string, string> byId = new Dictionary<string, string>();

    internal string Respond(string request)
    {
        using (var json = JsonDocument.Parse(request.Substring(request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)))
            switch (Regex.Match(request, "DynamoDB_20120810\\.([A-Za-z]+)").Groups[1].Value)
            {
                case "TransactWriteItems":
                    foreach (var action in json.RootElement.GetProperty("TransactItems").EnumerateArray())
                        if (action.TryGetProperty("Put", out var put) && put.GetProperty("Item").TryGetProperty("MessageId", out var id))
                            byId[id.GetProperty("S").GetString()] = put.GetProperty("Item").GetRawText();
                    return "{}";
                case "GetItem":
                    return "{\"Item\":" + Find(json.RootElement.GetProperty("Key")) + "}";
                case "BatchGetItem":
                    var tables = json.RootElement.GetProperty("RequestItems").EnumerateObject();
                    return "{\"Responses\":{" + string.Join(",", tables.Select(table =>
                        "\"" + table.Name + "\":[" + string.Join(",", table.Value.GetProperty("Keys").EnumerateArray().Select(Find)) + "]")) + "}}";
                case "BatchExecuteStatement":
                    return "{\"Responses\":[" + string.Join(",", json.RootElement.GetProperty("Statements").EnumerateArray().Select(_ => "{}")) + "]}";
                default:
                    return "{}";
            }
    }

    private string Find(JsonElement key) => byId[key.GetProperty("MessageId").GetProperty("S").GetString()];
}
