using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;

namespace Postbox.Tests
{
    /// <summary>
    /// A server that receives requests and responds with an empty object as soon as the test allows it. One thread, which
    /// is not one of the pool, handles all connections.
    /// </summary>
    internal sealed class Server : IDisposable
    {
        private static readonly byte[] Response = Encoding.ASCII.GetBytes(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}");

        private readonly Socket listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly SemaphoreSlim arrived = new SemaphoreSlim(0);
        private readonly List<string> keys = new List<string>();
        private readonly Thread thread;
        private volatile bool responds, stops;

        internal Server()
        {
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen(1000);
            thread = new Thread(Run) { IsBackground = true };
            thread.Start();
        }

        /// <summary>The endpoint.</summary>
        internal string Url => "http://127.0.0.1:" + ((IPEndPoint)listener.LocalEndPoint).Port;

        /// <summary>Opens a client that uses this server as DynamoDB.</summary>
        internal PostboxClient Open(string setting = "attempt_timeout_ms", string value = "120000", Action<PostboxConfig> more = null)
        {
            using (var config = Configure(new PostboxConfig()).Set(setting, value))
            {
                more?.Invoke(config);
                return config.Open();
            }
        }

        /// <summary>Sets this server as DynamoDB.</summary>
        internal PostboxConfig Configure(PostboxConfig config) => config
            .Set("endpoint_url", Url).Set("region", "eu-west-1")
            .Set("access_key_id", "a").Set("secret_access_key", "b")
            .Set("operation_timeout_ms", TimeSpan.FromMinutes(2)).Set("attempt_timeout_ms", TimeSpan.FromMinutes(2));

        /// <summary>The access keys with which the requests were signed, in order.</summary>
        internal IReadOnlyList<string> Keys
        {
            get
            {
                lock (keys)
                    return keys.ToList();
            }
        }

        internal void WaitFor(int requests)
        {
            for (var i = 0; i < requests; i++)
                Check.That(arrived.Wait(TimeSpan.FromSeconds(60)), "request " + i + " did not arrive");
        }

        /// <summary>The number of requests that have arrived and for which nobody has waited.</summary>
        internal int Unexpected => arrived.CurrentCount;

        /// <summary>Responds to all requests, those that have arrived and those that will.</summary>
        internal void Respond() => responds = true;

        public void Dispose()
        {
            stops = true;
            Wait.For(thread);
            listener.Close();
        }

        private void Run()
        {
            var received = new Dictionary<Socket, string>();
            var waiting = new List<Socket>();
            while (!stops)
            {
                var ready = received.Keys.Concat(new[] { listener }).ToList();
                Socket.Select(ready, null, null, 1000);
                foreach (var socket in ready)
                    if (socket == listener)
                        received[listener.Accept()] = "";
                    else if (!Receive(socket, received, waiting))
                        received.Remove(socket);
                if (!responds)
                    continue;
                waiting.ForEach(socket => Send(socket));
                waiting.Clear();
            }
            foreach (var socket in received.Keys)
                socket.Close();
        }

        /// <summary>Receives a part of a request. Returns false if the connection has ended.</summary>
        private bool Receive(Socket socket, Dictionary<Socket, string> received, List<Socket> waiting)
        {
            var buffer = new byte[65536];
            int count;
            try
            {
                count = socket.Receive(buffer);
            }
            catch (SocketException)
            {
                count = 0;
            }
            if (count == 0)
            {
                waiting.Remove(socket);
                socket.Close();
                return false;
            }
            var text = received[socket] + Encoding.ASCII.GetString(buffer, 0, count);
            var head = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            var length = Regex.Match(text, "content-length: *([0-9]+)", RegexOptions.IgnoreCase);
            var isWhole = head >= 0 && text.Length >= head + 4 + int.Parse(length.Groups[1].Value);
            received[socket] = isWhole ? "" : text;
            if (isWhole)
            {
                waiting.Add(socket);
                lock (keys)
                    keys.Add(Regex.Match(text, "Credential=([^/]*)/").Groups[1].Value);
                arrived.Release();
            }
            return true;
        }

        private static void Send(Socket socket)
        {
            try
            {
                socket.Send(Response);
            }
            catch (SocketException)
            {
                // The client has closed the connection.
            }
        }
    }
}
