using System;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace Postbox.Tests
{
    /// <summary>Options that an IConfiguration contains, as the binder of Microsoft.Extensions.Configuration reads them.</summary>
    public static class BinderTests
    {
        public static void Options_bind_from_json()
        {
            var options = Bind(@"{
                ""TableName"": ""orders_outbox"",
                ""NumberOfShards"": 5,
                ""SweepInterval"": ""00:01:00"",
                ""DispatchedTtl"": ""30.00:00:00"",
                ""ParkKeyed"": false,
                ""CreateMissingTargets"": ""True"",
                ""LeaseMode"": ""PerShard"",
                ""ClearMarks"": ""background"",
                ""CacheMaxBytes"": 1073741824,
                ""Routes"": { ""greeting.made"": ""sns:greetings"", ""*"": ""sqs:https://sqs.eu-west-1.amazonaws.com/1/rest"" }
            }");
            Check.Same(new string[0], options.Validate());
            using (var config = new PostboxConfig(options))
            {
                var names = new[]
                {
                    "table_name", "number_of_shards", "sweep_interval_ms", "dispatched_ttl_seconds", "park_keyed", "create_missing_targets",
                    "lease_mode", "clear_marks", "cache_max_bytes", "sweep_batch",
                };
                Check.Same(
                    new[] { "orders_outbox", "5", "60000", "2592000", "false", "true", "per_shard", "background", "1073741824", "100" },
                    names.Select(name => config[name]));
                Check.Same(
                    new[] { "* = sqs:https://sqs.eu-west-1.amazonaws.com/1/rest", "greeting.made = sns:greetings" },
                    config["routes"].Split('\n').OrderBy(route => route, StringComparer.Ordinal));
            }
        }

        public static void Every_option_binds_under_its_name()
        {
            foreach (var property in typeof(PostboxOptions).GetProperties())
            {
                var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                var text = type == typeof(bool) ? "true"
                    : type == typeof(TimeSpan) ? "00:00:03"
                    : type.IsEnum ? Enum.GetNames(type).Last()
                    : type == typeof(PostboxRoutes) ? "a = sns:b"
                    : "7";
                var options = Bind("{\"" + property.Name + "\": \"" + text + "\"}");
                var bound = property.GetValue(options);
                Check.Equal(property.Name + "=" + text.ToLowerInvariant(), property.Name + "=" + bound?.ToString().ToLowerInvariant());
            }
        }

        public static void Options_bind_from_names_in_the_environment()
        {
            var variables = new[] { ("OPTIONSTEST_Postbox__SweepInterval", "00:00:07"), ("OPTIONSTEST_POSTBOX__ROUTES", "a = sns:one; * = sqs:rest") };
            foreach (var (name, value) in variables)
                Environment.SetEnvironmentVariable(name, value);
            var options = new ConfigurationBuilder().AddEnvironmentVariables("OPTIONSTEST_").Build().GetSection("Postbox").Get<PostboxOptions>();
            foreach (var (name, _) in variables)
                Environment.SetEnvironmentVariable(name, null);
            using (var config = new PostboxConfig(options))
            {
                Check.Equal("7000", config["sweep_interval_ms"]);
                Check.Equal("a = sns:one\n* = sqs:rest", config["routes"]);
            }
        }

        public static void Values_of_the_wrong_type_are_errors_that_name_the_option()
        {
            foreach (var (name, value) in new[] { ("SweepInterval", "5 s"), ("SweepBatch", "many"), ("ParkKeyed", "maybe"), ("LeaseMode", "double"), ("Routes", "a") })
                Check.Contains("Postbox:" + name, Check.Throws<InvalidOperationException>(() => Bind("{\"" + name + "\": \"" + value + "\"}")).Message);
            // A number is a number of days for a TimeSpan. The range of the setting detects the error.
            Check.Contains("SweepInterval is not valid: sweep_interval_ms: \"432000000000\"", Bind("{\"SweepInterval\": 5000}").Validate().Single());
        }

        private static PostboxOptions Bind(string json)
        {
            var text = new MemoryStream(Encoding.UTF8.GetBytes("{\"Postbox\": " + json + "}"));
            return new ConfigurationBuilder().AddJsonStream(text).Build().GetSection("Postbox").Get<PostboxOptions>();
        }
    }
}
