using System;
using System.Reflection;
using System.Runtime.InteropServices;

// On Windows, the library is never taken from the current directory or from PATH, where another user may have put a file of its
// name, but from the package, beside this assembly, beside the program or from a directory that the program has added. On
// other systems, LD_LIBRARY_PATH (DYLD_LIBRARY_PATH) is in effect as well.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]

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
        /// The library could not be loaded, is another library of the same name, or does not report a version. The text
        /// of the exception contains the text of the loader, and says where to put the library.
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
            var version = VersionOf();
            if (!System.Version.TryParse(version.Split('-', '+')[0], out var numbers))
                throw new NotSupportedException("the native library \"postbox\" reports the version \"" + version + "\", which is not a version: " + Advice);
            if (!Serves(numbers, new Version(RequiredVersion)))
                throw new NotSupportedException(
                    "the native library \"postbox\" has version " + version + ", and this assembly needs " + RequiredVersion
                    + " or a later compatible one: install the same version of both");
            RuntimeSignals.Unblock();
            return version;
        }

        private static string VersionOf()
        {
            try
            {
                NameOfItsOwn.Use();
                return Utf8.ReadOptional(Native.postbox_version()) ?? "";
            }
            catch (EntryPointNotFoundException failure)
            {
                throw Unusable("is another library of this name, or does not report a version", failure);
            }
            catch (BadImageFormatException failure)
            {
                throw Unusable("is not a library for this platform", failure);
            }
            catch (DllNotFoundException failure)
            {
                throw Unusable("could not be loaded", failure);
            }
        }

        private const string Advice =
            "put the library of Postbox (libpostbox.so, libpostbox.dylib, postbox_native.dll) beside the program, or, except on Windows, into a "
            + "directory of LD_LIBRARY_PATH (DYLD_LIBRARY_PATH)";

        private static DllNotFoundException Unusable(string why, Exception failure)
        {
            return new DllNotFoundException(
                "the native library \"postbox\" for " + Platform + " " + why + ": " + Advice + ". The loader reports: " + failure.Message, failure);
        }

        /// <summary>The runtime identifier, such as "linux-x64", which names the directory of the library in the package.</summary>
        private static string Platform
        {
            get
            {
                var system = RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "win"
                    : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "osx"
                    : "linux";
                return system + "-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
            }
        }

        private static bool Serves(Version loaded, Version required)
        {
            return loaded.Major == required.Major
                && (required.Major > 0 || loaded.Minor == required.Minor)
                && loaded >= required;
        }

        /// <summary>
        /// Lets .NET load the library as "postbox_native" too. On Windows, a file postbox.dll would have the name of
        /// this assembly, Postbox.dll, so the package contains postbox_native.dll. The class NativeLibrary,
        /// which this needs, is in .NET Core 3.0 and later and not in .NET Standard 2.0, which finds it by reflection.
        /// </summary>
        private static class NameOfItsOwn
        {
            private delegate bool TryLoad(string name, Assembly assembly, DllImportSearchPath? path, out IntPtr library);

#if NETSTANDARD
            private static TryLoad? tryLoad;

            internal static void Use()
            {
                var type = Type.GetType("System.Runtime.InteropServices.NativeLibrary, System.Runtime.InteropServices");
                var resolver = Type.GetType("System.Runtime.InteropServices.DllImportResolver, System.Runtime.InteropServices");
                if (type == null || resolver == null)
                    return;
                tryLoad = (TryLoad)type.GetMethod("TryLoad", new[] { typeof(string), typeof(Assembly), typeof(DllImportSearchPath?), typeof(IntPtr).MakeByRefType() })!
                    .CreateDelegate(typeof(TryLoad));
                var resolve = typeof(NameOfItsOwn).GetMethod(nameof(Resolve), BindingFlags.NonPublic | BindingFlags.Static)!;
                type.GetMethod("SetDllImportResolver")!.Invoke(null, new object[] { typeof(NameOfItsOwn).Assembly, resolve.CreateDelegate(resolver) });
            }
#else
            private static readonly TryLoad tryLoad = NativeLibrary.TryLoad;

            internal static void Use() => NativeLibrary.SetDllImportResolver(typeof(NameOfItsOwn).Assembly, Resolve);
#endif

            /// <summary>Returns the library, or zero to let the runtime look for the file "postbox".</summary>
            private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? path)
            {
                return name == Native.Library && tryLoad!(name + "_native", assembly, path, out var library) ? library : IntPtr.Zero;
            }
        }
    }
}
