#nullable enable
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Postbox
{
    /// <summary>A property of <see cref="PostboxOptions"/>, the name of its setting, and its value as the text of the setting.</summary>
    internal readonly struct OptionText
    {
        private readonly string property, setting;
        private readonly string? text, problem;
        private readonly bool isSecret;

        private OptionText(string property, string setting, string? text, string? problem = null, bool isSecret = false)
        {
            this.property = property;
            this.setting = setting;
            this.text = text;
            this.problem = problem;
            this.isSecret = isSecret;
        }

        /// <summary>Whether the property has a value, valid or not.</summary>
        internal bool IsSet => text != null || problem != null;

        internal static OptionText Of(string property, string setting, string? value) => new OptionText(property, setting, value);

        internal static OptionText Secret(string property, string setting, string? value) => new OptionText(property, setting, value, isSecret: true);

        internal static OptionText Of(string property, string setting, int? value)
        {
            return new OptionText(property, setting, value?.ToString(CultureInfo.InvariantCulture));
        }

        internal static OptionText Of(string property, string setting, bool? value) => new OptionText(property, setting, value is bool flag ? Flag(flag) : null);

        internal static OptionText Of(string property, string setting, TimeSpan? value)
        {
            if (!(value is TimeSpan time))
                return new OptionText(property, setting, null);
            return Time(setting, time) is string text
                ? new OptionText(property, setting, text)
                : new OptionText(property, setting, null, NotWhole(setting, time));
        }

        internal static OptionText Of(string property, string setting, PostboxRoutes? value)
        {
            var broken = value?.FirstOrDefault(route => !PostboxRoutes.IsOneRoute(route.Key, route.Value)).Key;
            return broken == null
                ? new OptionText(property, setting, value?.ToString())
                : new OptionText(property, setting, null, setting + ": \"" + broken + "\": a topic has no \"=\", and a route has no \";\" and no line end");
        }

        /// <summary>The text of a flag.</summary>
        internal static string Flag(bool value) => value ? "true" : "false";

        /// <summary>The text of a time, in the unit of the setting's name. Null if it is not a whole number of units.</summary>
        internal static string? Time(string setting, TimeSpan value)
        {
            var unit = Unit(setting);
            return value.Ticks % unit == 0 ? (value.Ticks / unit).ToString(CultureInfo.InvariantCulture) : null;
        }

        /// <summary>The reason for which a time is not a value of the setting.</summary>
        internal static string NotWhole(string setting, TimeSpan value)
        {
            var unit = Unit(setting) == TimeSpan.TicksPerSecond ? "seconds" : "milliseconds";
            return setting + ": " + value.ToString("c", CultureInfo.InvariantCulture) + " is not a whole number of " + unit;
        }

        /// <summary>Whether the setting is a time.</summary>
        internal static bool IsTime(string setting)
        {
            return setting.EndsWith("_ms", StringComparison.Ordinal) || setting.EndsWith("_seconds", StringComparison.Ordinal);
        }

        /// <summary>Sets the setting. Returns the reason if the value is invalid.</summary>
        internal string? Set(PostboxConfig config)
        {
            var invalid = problem;
            try
            {
                if (invalid == null)
                    config.Set(setting, text);
            }
            catch (PostboxException failure) when (failure.Code == PostboxErrorCode.InvalidSetting)
            {
                invalid = failure.Message;
            }
            catch (ArgumentException)
            {
                // The text of the exception would be about the parameters of Set.
                invalid = setting + ": the text has a NUL character or an unpaired surrogate";
            }
            return invalid == null ? null : property + " is not valid: " + invalid;
        }

        /// <summary>Returns the property and its value, with "***" for a secret.</summary>
        /// <returns>The text.</returns>
        public override string ToString() => property + " = " + (isSecret && text != "" ? "***" : text ?? "invalid");

        private static long Unit(string setting)
        {
            return setting.EndsWith("_seconds", StringComparison.Ordinal) ? TimeSpan.TicksPerSecond : TimeSpan.TicksPerMillisecond;
        }
    }
}
