#nullable enable
using System;
using System.Collections.Generic;
using System.Linq;

namespace Postbox
{
    /// <summary>
    /// The settings of CONFIGURATION.md as typed properties, which also bind from an <c>IConfiguration</c>:
    /// <c>{ "Postbox": { "TableName": "orders_outbox", "SweepInterval": "00:00:05", "ParkKeyed": false } }</c>. A
    /// property that is null leaves the setting as it is: at its default, or at the value that <see cref="PostboxConfig"/> or the
    /// environment of the AWS SDK has.
    /// </summary>
    /// <remarks>
    /// Times are <see cref="TimeSpan"/> values, and their names lack the unit: <see cref="SweepInterval"/> is the setting
    /// <c>sweep_interval_ms</c>. An empty text unsets an optional setting. The secrets are not part of
    /// <see cref="ToString"/>. An object of this class belongs to one thread at a time.
    /// </remarks>
    public sealed partial class PostboxOptions
    {
        /// <summary>
        /// Checks the value of each property, without a connection and without opening a client. <see cref="PostboxConfig.Open"/>
        /// also checks that the settings do not contradict each other, and that URLs, routes and names are well-formed.
        /// </summary>
        /// <returns>
        /// A line of text for each invalid property, which starts with the name of the property and contains the name of the
        /// setting and the allowed range. Empty if all properties are valid. No line contains a secret.
        /// </returns>
        /// <exception cref="DllNotFoundException">The native library was not found.</exception>
        public IReadOnlyList<string> Validate()
        {
            using (var config = new PostboxConfig())
                return SetAll(config).ToList();
        }

        /// <summary>Returns the properties that are set, with "***" for secrets.</summary>
        /// <returns>The properties in one line.</returns>
        public override string ToString()
        {
            return nameof(PostboxOptions) + " { " + string.Join(", ", Texts().Where(option => option.IsSet)) + " }";
        }

        /// <summary>Sets all settings of a configuration whose properties are set.</summary>
        /// <exception cref="PostboxException">A property is invalid. The configuration is unchanged.</exception>
        internal void Apply(PostboxConfig config)
        {
            var problems = Validate();
            if (problems.Count > 0)
                throw Errors.InvalidSetting(string.Join("; ", problems));
            // This reports nothing, since each value was valid.
            SetAll(config).ToList();
        }

        /// <summary>Sets all settings whose properties are set, and returns the reasons of those that are invalid.</summary>
        private IEnumerable<string> SetAll(PostboxConfig config)
        {
            return Texts().Where(option => option.IsSet).Select(option => option.Set(config)).OfType<string>();
        }
    }
}
