using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

/// <summary>A server in a process of its own, whose only thread responds to each request after a time.</summary>
internal static class SlowServer
{
    private static readonly byte[] Response = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}");

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
        var responses = new Queue<KeyValuePair<long, Socket>>();
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var ready = received.Keys.Concat(new[] { listener }).ToList();
            Socket.Select(ready, null, null, 1000);
            foreach (var socket in ready)
                if (socket == listener)
                    received[listener.Accept()] = "";
                else if (Receive(socket, received))
                    responses.Enqueue(new KeyValuePair<long, Socket>(clock.ElapsedMilliseconds + delay, socket));
            while (responses.Count > 0 && responses.Peek().Key <= clock.ElapsedMilliseconds)
                responses.Dequeue().Value.Send(Response);
        }
    }

    /// <summary>Receives a part of a request. Returns whether the request is complete.</summary>
    private static bool Receive(Socket socket, Dictionary<Socket, string> received)
    {
        var buffer = new byte[65536];
        var count = socket.Receive(buffer);
        var text = received[socket] + Encoding.ASCII.GetString(buffer, 0, count);
        var head = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var length = Regex.Match(text, "content-length: *([0-9]+)", RegexOptions.IgnoreCase);
        var isWhole = head >= 0 && text.Length >= head + 4 + int.Parse(length.Groups[1].Value, CultureInfo.InvariantCulture);
        received[socket] = isWhole ? "" : text;
        if (count > 0)
            return isWhole;
        received.Remove(socket);
        socket.Close();
        return false;
    }
}
