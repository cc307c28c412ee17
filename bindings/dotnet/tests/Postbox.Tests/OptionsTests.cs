using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Postbox.Tests
{
    /// <summary>The typed options, compared with the table of settings in CONFIGURATION.md.</summary>
    public static class OptionsTests
    {
        private static readonly string ConfigurationPath =
            Path.Combine(Path.GetDirectoryName(Environment.GetEnvironmentVariable("POSTBOX_HEADER")), "..", "CONFIGURATION.md");

        public static void Every_setting_has_a_property_whose_value_reaches_the_library()
        {
            var rows = Rows().ToList();
            Check.Same(
                rows.Select(row => row.Property).OrderBy(name => name, StringComparer.Ordinal),
                Properties().Select(property => property.Name).OrderBy(name => name, StringComparer.Ordinal));
            foreach (var row in rows)
            {
                var options = new PostboxOptions();
                Check.That(row.Info.GetValue(options) == null, row.Property + " is set in new options");
                row.Info.SetValue(options, row.Value);
                Check.Same(new string[0], options.Validate());
                using (var defaults = new PostboxConfig())
                using (var config = new PostboxConfig(options))
                {
                    Check.Equal(row.Property + " = " + row.Text, row.Property + " = " + config[row.Setting]);
                    foreach (var other in rows.Where(other => other != row))
                        Check.Equal(other.Setting + " = " + defaults[other.Setting], other.Setting + " = " + config[other.Setting]);
                    Check.That(defaults[row.Setting] != row.Text, "the test sets " + row.Setting + " to its default");
                }
            }
        }

        public static void The_documented_defaults_are_valid_options()
        {
            foreach (var row in Rows())
            {
                var options = new PostboxOptions();
                using (var config = new PostboxConfig())
                    row.Info.SetValue(options, row.ValueOf(config[row.Setting]));
                using (var config = new PostboxConfig(options))
                    Check.Equal(row.Default, config[row.Setting]);
            }
        }

        public static void Invalid_options_are_errors_that_name_all_of_them_and_their_settings()
        {
            var options = new PostboxOptions
            {
                TableName = "x",
                NumberOfShards = 21,
                SecretAccessKey = new string('s', 256),
                SweepBatch = 7,
                SweepInterval = TimeSpan.FromTicks(100000 + 1),
                SweepMinAge = TimeSpan.FromMilliseconds(-1),
                LeaseDuration = TimeSpan.FromMilliseconds(999),
                ParkAfter = TimeSpan.MaxValue,
                DispatchedTtl = TimeSpan.FromSeconds(1.5),
                LeaseMode = (LeaseMode)7,
                LeaseGroup = "a\0b",
                Routes = new PostboxRoutes { ["a"] = "sns:a;b = sns:b" },
            };
            var expected = new[]
            {
                "TableName is not valid: table_name: 3 to 255 characters are required, found 1",
                "NumberOfShards is not valid: number_of_shards: \"21\" is not a whole number from 1 to 20",
                "SecretAccessKey is not valid: secret_access_key: at most 255 characters are allowed, found 256",
                "Routes is not valid: routes: \"a\": a topic has no \"=\", and a route has no \";\" and no line end",
                "DispatchedTtl is not valid: dispatched_ttl_seconds: 00:00:01.5000000 is not a whole number of seconds",
                "SweepInterval is not valid: sweep_interval_ms: 00:00:00.0100001 is not a whole number of milliseconds",
                "SweepMinAge is not valid: sweep_min_age_ms: \"-1\" is not a whole number from 0 to 86400000",
                "LeaseMode is not valid: lease_mode: \"7\" is not one of single, per_shard",
                "LeaseGroup is not valid: lease_group: the text has a NUL character or an unpaired surrogate",
                "LeaseDuration is not valid: lease_duration_ms: \"999\" is not a whole number from 1000 to 3600000",
                "ParkAfter is not valid: park_after_ms: 10675199.02:48:05.4775807 is not a whole number of milliseconds",
            };
            Check.Same(expected, options.Validate());
            using (var config = new PostboxConfig())
            {
                var failure = Check.Fails(PostboxErrorCode.InvalidSetting, () => config.Apply(options));
                Check.Equal(string.Join("; ", expected), failure.Message);
                Check.Equal("100", config["sweep_batch"]);
                Check.Throws<ArgumentNullException>(() => config.Apply(null));
            }
            Check.Fails(PostboxErrorCode.InvalidSetting, () => new PostboxConfig(options));
        }

        public static void The_last_of_options_and_settings_takes_precedence()
        {
            using (var config = new PostboxConfig().Set("sweep_batch", 7).Set("sweep_threads", 2).Set("region", "eu-west-1"))
            {
                config.Apply(new PostboxOptions { SweepBatch = 8, Region = "" }).Set("park_keyed", false);
                Check.Same(new[] { "8", "2", "", "false" }, new[] { "sweep_batch", "sweep_threads", "region", "park_keyed" }.Select(name => config[name]));
                Check.Contains("is not a whole number of milliseconds",
                    Check.Throws<ArgumentException>(() => config.Set("sweep_interval_ms", TimeSpan.FromTicks(100001))).Message);
            }
        }

        public static void Routes_are_the_routes_of_the_library()
        {
            var routes = PostboxRoutes.Parse("a = sns:one;\n b.* = sqs:https://sqs.eu-west-1.amazonaws.com/1/q?x=y ;;* = sns:rest\n");
            Check.Same(new[] { "a", "b.*", "*" }, routes.Keys);
            Check.Equal("sqs:https://sqs.eu-west-1.amazonaws.com/1/q?x=y", routes["b.*"]);
            Check.Same(routes, PostboxRoutes.Parse(routes.ToString()));
            Check.Contains("\"b\"", Check.Throws<FormatException>(() => PostboxRoutes.Parse("a = sns:one; b")).Message);
            Check.Contains("same topic", Check.Throws<FormatException>(() => PostboxRoutes.Parse("a = sns:one; a = sns:two")).Message);

            var options = new PostboxOptions { EmbeddedPath = ":memory:", Region = "eu-west-1", Routes = new PostboxRoutes { ["a"] = "sms:1" } };
            using (var config = new PostboxConfig(options))
                Check.Contains("a = sms:1", Check.Fails(PostboxErrorCode.InvalidSetting, () => config.Open()).Message);
        }

        public static void Options_open_a_client_and_show_no_secret()
        {
            var options = new PostboxOptions
            {
                EmbeddedPath = ":memory:", AccessKeyId = "AKID", SecretAccessKey = "hidden", SessionToken = "", SweepInterval = TimeSpan.FromMinutes(1),
                LeaseMode = LeaseMode.PerShard,
            };
            Check.Equal(
                "PostboxOptions { AccessKeyId = AKID, SecretAccessKey = ***, SessionToken = , EmbeddedPath = :memory:, SweepInterval = 60000, "
                + "LeaseMode = per_shard }",
                options.ToString());
            using (var config = new PostboxConfig(options).AddProducer(null, _ => SendResult.Sent))
            using (var client = config.Open())
            using (var message = new OutboxMessage("t", "hello"))
                client.ClearOutbox(client.DepositPost(message));
        }

        private static IEnumerable<PropertyInfo> Properties() => typeof(PostboxOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance);

        private static IEnumerable<Row> Rows()
        {
            return File.ReadAllLines(ConfigurationPath)
                .SkipWhile(line => line != "## Settings").TakeWhile(line => !line.StartsWith("## Header"))
                .Select(line => Regex.Match(line, "^\\| `(?<setting>\\w+)` \\| (?<takes>.*?) \\| (`(?<default>.*?)`|unset) \\|"))
                .Where(match => match.Success)
                .Select(match => new Row(match.Groups["setting"].Value, match.Groups["takes"].Value, match.Groups["default"].Value));
        }

        /// <summary>A row of the table of settings, with a valid value that is not the default.</summary>
        private sealed class Row
        {
            private readonly string takes;

            internal Row(string setting, string takes, string ofDefault)
            {
                this.takes = takes;
                Setting = setting;
                Default = ofDefault;
                Property = string.Concat(Regex.Replace(setting, "_(ms|seconds)$", "").Split('_').Select(word => char.ToUpperInvariant(word[0]) + word.Substring(1)));
                Info = typeof(PostboxOptions).GetProperty(Property) ?? throw new CheckFailedException("there is no property " + Property);
            }

            internal string Setting { get; }

            internal string Default { get; }

            internal string Property { get; }

            internal PropertyInfo Info { get; }

            internal string Text => takes.StartsWith("secret ") ? "***" : Changed;

            internal object Value => ValueOf(Changed);

            /// <summary>The value with this text, as the type that the table implies.</summary>
            internal object ValueOf(string text)
            {
                if (Setting.EndsWith("_ms"))
                    return TimeSpan.FromTicks(long.Parse(text) * TimeSpan.TicksPerMillisecond);
                if (Setting.EndsWith("_seconds"))
                    return TimeSpan.FromTicks(long.Parse(text) * TimeSpan.TicksPerSecond);
                if (takes == "`true`, `false`")
                    return text == "true";
                if (takes.StartsWith("`"))
                    return Enum.Parse(Nullable.GetUnderlyingType(Info.PropertyType), text.Replace("_", ""), true);
                if (char.IsDigit(takes[0]))
                    return int.Parse(text);
                return Setting == "routes" ? (object)PostboxRoutes.Parse(text) : text;
            }

            private string Changed
            {
                get
                {
                    if (takes.StartsWith("`"))
                        return Regex.Matches(takes, "`(\\w+)`").Cast<Match>().Select(choice => choice.Groups[1].Value).First(choice => choice != Default);
                    if (char.IsDigit(takes[0]))
                        return Regex.Match(takes, " to ([0-9]+)").Groups[1].Value;
                    return Setting == "routes" ? "a = sns:one" : "another text";
                }
            }
        }
    }
}
