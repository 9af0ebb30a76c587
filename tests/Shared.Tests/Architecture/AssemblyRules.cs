using System.Reflection;

namespace PonyCloud.Shared.Tests.Architecture;

/// <summary>The rules of the house that compiled code shows. Each answers its violations as sentences; none is good.</summary>
internal static class AssemblyRules
{
    /// <summary>Namespaces in order: none uses a later one.</summary>
    public static IReadOnlyList<string> Layers(IEnumerable<Type> types, params string[] layers)
    {
        var violations =
            from type in types
            let own = Layer(type)
            where own >= 0
            from used in TypeUses.Types(type)
            where Layer(used) > own
            select $"{type.FullName} uses {used.FullName}, which is above it";
        return [.. violations.Distinct().Order(StringComparer.Ordinal)];

        int Layer(Type type) => Array.FindIndex(layers, layer => IsIn(type, layer));
    }

    /// <summary>No assembly references another of the forbidden names.</summary>
    public static IReadOnlyList<string> NoReference(Assembly assembly, params string[] forbidden) =>
        [.. assembly.GetReferencedAssemblies()
            .Where(reference => forbidden.Contains(reference.Name, StringComparer.OrdinalIgnoreCase))
            .Select(reference => $"{assembly.GetName().Name} references {reference.Name}")];

    /// <summary>Native code is called in the given namespaces only.</summary>
    public static IReadOnlyList<string> NativeCode(IEnumerable<Type> types, params string[] allowed)
    {
        const BindingFlags Declared =
            BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        var outside = types.Where(type => !allowed.Any(space => IsIn(type, space))).ToList();
        var imports =
            from type in outside
            from method in type.GetMethods(Declared)
            where method.Attributes.HasFlag(MethodAttributes.PinvokeImpl)
            select $"{type.FullName}.{method.Name} is native";
        var loads =
            from type in outside
            where TypeUses.Types(type).Contains(typeof(System.Runtime.InteropServices.NativeLibrary))
            select $"{type.FullName} loads a native library";
        return [.. imports.Concat(loads).Order(StringComparer.Ordinal)];
    }

    /// <summary>Nothing in the given namespaces knows a clock, chance, tasks, threads, files, processes or the network.</summary>
    public static IReadOnlyList<string> Pure(IEnumerable<Type> types, params string[] pure)
    {
        string[] members =
        [
            "System.DateTime.get_Now", "System.DateTime.get_UtcNow", "System.DateTimeOffset.get_Now", "System.DateTimeOffset.get_UtcNow",
            "System.Guid.NewGuid", "System.Guid.CreateVersion7", "System.Environment.get_TickCount", "System.Environment.get_TickCount64",
            "System.TimeProvider.get_System",
        ];
        string[] kinds =
        [
            "System.Random", "System.Diagnostics.Stopwatch", "System.Diagnostics.Process", "System.Console", "System.IO.File",
            "System.IO.Directory", "System.IO.FileStream", "System.Security.Cryptography.RandomNumberGenerator",
            "System.Threading.Thread", "System.Threading.Timer",
        ];
        // An address is a value; only talking to it is not pure.
        string[] values = ["System.Net.IPAddress", "System.Net.Sockets.AddressFamily"];
        string[] spaces = ["System.Threading.Tasks", "System.Threading.Channels", "System.Net", "Npgsql", "Dapper"];
        var violations =
            from type in types
            where pure.Any(space => IsIn(type, space))
            from used in Impure(type)
            select $"{type.FullName} uses {used}";
        return [.. violations.Distinct().Order(StringComparer.Ordinal)];

        IEnumerable<string> Impure(Type type) =>
            TypeUses.Members(type)
                .Where(member => member is not Type && members.Contains($"{member.DeclaringType?.FullName}.{member.Name}"))
                .Select(member => $"{member.DeclaringType?.FullName}.{member.Name}")
                .Concat(TypeUses.Types(type)
                    .Where(used => kinds.Contains(used.FullName) || (spaces.Any(space => IsIn(used, space)) && !values.Contains(used.FullName)))
                    .Select(used => used.FullName!));
    }

    private static bool IsIn(Type type, string space) =>
        type.Namespace == space || (type.Namespace?.StartsWith(space + '.', StringComparison.Ordinal) ?? false);
}
