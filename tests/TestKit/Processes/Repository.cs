using System.Reflection;

namespace PonyCloud.TestKit.Processes;

/// <summary>Where things are in the source tree that the tests were built from.</summary>
public static class Repository
{
    /// <summary>Absolute path of the directory with the solution.</summary>
    public static string Root { get; } = Find();

    public static string At(params ReadOnlySpan<string> parts) => Path.Combine([Root, .. parts]);

    /// <summary>The daemon as it was built together with the tests.</summary>
    /// <param name="project">Directory of the project, such as <c>Sparkle</c>.</param>
    /// <param name="assembly">Name of the assembly, such as <c>sparkle</c>.</param>
    public static string Program(string project, string assembly)
    {
        var configuration = typeof(Repository).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        var framework = Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        return At(project, "bin", configuration, framework, assembly + ".dll");
    }

    private static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "PonyCloud.sln")))
            {
                return directory.FullName;
            }
        }

        throw new InvalidOperationException($"{AppContext.BaseDirectory} is not inside the source tree.");
    }
}
