#nullable enable
using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Globalization;
using System.Linq;

namespace Postbox
{
    /// <summary>
    /// The destinations of messages by topic, for <see cref="PostboxOptions.Routes"/>:
    /// <c>new PostboxRoutes { ["greeting.made"] = "sns:greetings", ["orders.*"] = "sqs:orders" }</c>. In an
    /// <c>IConfiguration</c>, a section with a key for each topic, or one text with all routes as in <see cref="Parse"/>.
    /// </summary>
    /// <remarks>An object of this class belongs to one thread at a time.</remarks>
    [TypeConverter(typeof(PostboxRoutesConverter))]
    public sealed class PostboxRoutes : Dictionary<string, string>
    {
        private static readonly char[] Ends = { '\n', ';' };

        /// <summary>Creates routes without a route.</summary>
        public PostboxRoutes() : base(StringComparer.Ordinal) { }

        /// <summary>Reads routes from a text: one route per line, or separated by ";".</summary>
        /// <param name="text">The text, such as <c>greeting.made = sns:greetings; * = sqs:rest</c>.</param>
        /// <returns>The routes.</returns>
        /// <exception cref="FormatException">A route has no "=", or another route has the same topic.</exception>
        public static PostboxRoutes Parse(string text)
        {
            if (text == null)
                throw new ArgumentNullException(nameof(text));
            var routes = new PostboxRoutes();
            foreach (var route in text.Split(Ends).Select(line => line.Trim()).Where(line => line.Length > 0))
            {
                var sides = route.Split(new[] { '=' }, 2);
                if (sides.Length < 2)
                    throw new FormatException("routes: \"" + route + "\": a route has the form TOPIC = TARGET");
                var topic = sides[0].Trim();
                if (routes.ContainsKey(topic))
                    throw new FormatException("routes: \"" + route + "\": another route has the same topic");
                routes[topic] = sides[1].Trim();
            }
            return routes;
        }

        /// <summary>Returns the text of the setting <c>routes</c>, with one route per line.</summary>
        /// <returns>The text.</returns>
        public override string ToString() => string.Join("\n", this.Select(route => route.Key + " = " + route.Value));

        /// <summary>Whether the text of this route would be read as one route, with the same topic.</summary>
        internal static bool IsOneRoute(string topic, string? target)
        {
            return topic.IndexOf('=') < 0 && topic.IndexOfAny(Ends) < 0 && (target ?? "").IndexOfAny(Ends) < 0;
        }
    }

    /// <summary>Reads <see cref="PostboxRoutes"/> from the text of a configuration.</summary>
    internal sealed class PostboxRoutesConverter : TypeConverter
    {
        public override bool CanConvertFrom(ITypeDescriptorContext context, Type sourceType) => sourceType == typeof(string);

        public override object ConvertFrom(ITypeDescriptorContext context, CultureInfo culture, object value)
        {
            return value is string text ? PostboxRoutes.Parse(text) : base.ConvertFrom(context, culture, value);
        }
    }
}
