using System;

namespace Postbox
{
    /// <summary>The native library that this assembly calls.</summary>
    public static class PostboxLibrary
    {
        /// <summary>The oldest version of the native library with which this assembly works.</summary>
        public const string RequiredVersion = "0.1.0";

        private static readonly Lazy<string> Loaded = new Lazy<string>(Load);

        /// <summary>The version of the native library that is loaded.</summary>
        /// <exception cref="DllNotFoundException">
        /// The library was not found. The text of the exception says where to put the library.
        /// </exception>
        /// <exception cref="NotSupportedException">
        /// The library is too old, or has a different major version (before 1.0, a different minor version).
        /// </exception>
        public static string Version => Loaded.Value;

        /// <summary>
        /// Loads the library and checks its version. Must be called before any other function of the library.
        /// </summary>
        internal static void Check() => _ = Loaded.Value;

        private static string Load()
        {
            string version;
            try
            {
                version = Utf8.Read(Native.postbox_version());
            }
            catch (DllNotFoundException failure)
            {
                throw new DllNotFoundException(
                    "the native library \"postbox\" (libpostbox.so, libpostbox.dylib, postbox.dll) was not found: put it beside the program, or into a directory of "
                    + "LD_LIBRARY_PATH (DYLD_LIBRARY_PATH, PATH)", failure);
            }
            if (!Serves(Numbers(version), Numbers(RequiredVersion)))
                throw new NotSupportedException(
                    "the native library \"postbox\" has version " + version + ", and this assembly needs " + RequiredVersion
                    + " or a later compatible one: install the same version of both");
            return version;
        }

        /// <summary>The version without a suffix such as "-rc.1".</summary>
        private static Version Numbers(string version) => new Version(version.Split('-', '+')[0]);

        private static bool Serves(Version loaded, Version required)
        {
            return loaded.Major == required.Major
                && (required.Major > 0 || loaded.Minor == required.Minor)
                && loaded >= required;
        }
    }
}
