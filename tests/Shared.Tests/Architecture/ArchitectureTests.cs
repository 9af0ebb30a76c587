using System.Reflection;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Shared.Tests.Architecture;

/// <summary>The rules of the house, held against the house. That each of them can fail shows <see cref="RulesTests"/>.</summary>
public sealed class ArchitectureTests
{
    /// <summary>Where native code is: a binding each, behind an interface.</summary>
    private static readonly string[] NativeHomes =
    [
        "PonyCloud.Shared.Hosting.Disk",
        "PonyCloud.Shared.Messaging.ZeroMq",
        "PonyCloud.Twilight.Hypervisor.Libvirt",
        "PonyCloud.Twilight.Devices.Udev",
        "PonyCloud.Pony.Terminals",
        "PonyCloud.Twilight.Networks.Namespaces",
    ];

    private static readonly Assembly Shared = typeof(EntityCatalog).Assembly;
    private static readonly Assembly Sparkle = Assembly.Load("sparkle");
    private static readonly Assembly Twilight = Assembly.Load("twilight");
    private static readonly Assembly Pony = Assembly.Load("pony");

    [Test]
    public void The_daemons_know_Shared_and_not_each_other()
    {
        Assert.That(
            AssemblyRules.NoReference(Shared, "sparkle", "twilight")
                .Concat(AssemblyRules.NoReference(Sparkle, "twilight"))
                .Concat(AssemblyRules.NoReference(Twilight, "sparkle")),
            Is.Empty);
    }

    [Test]
    public void The_command_line_client_knows_nothing_but_the_API() =>
        Assert.That(AssemblyRules.NoReference(Pony, "ponycloud.shared", "sparkle", "twilight"), Is.Empty);

    [Test]
    public void Inside_Shared_nothing_uses_what_is_above_it()
    {
        Assert.That(
            AssemblyRules.Layers(
                Shared.GetTypes(),
                "PonyCloud.Shared.Entities",
                "PonyCloud.Shared.State",
                "PonyCloud.Shared.Replication",
                "PonyCloud.Shared.Messaging"),
            Is.Empty);
    }

    [Test]
    public void State_and_protocol_are_pure()
    {
        // The one source of chance that is handed in where the protocol is put to work.
        var types = Shared.GetTypes().Except([typeof(SystemEntropy)]);
        Assert.That(
            AssemblyRules.Pure(types, "PonyCloud.Shared.Entities", "PonyCloud.Shared.State", "PonyCloud.Shared.Replication"),
            Is.Empty);
    }

    [Test]
    public void Native_code_stands_only_in_the_bindings()
    {
        var types = Shared.GetTypes().Concat(Sparkle.GetTypes()).Concat(Twilight.GetTypes()).Concat(Pony.GetTypes());
        Assert.That(AssemblyRules.NativeCode(types, NativeHomes), Is.Empty);
    }

    [Test]
    public void SQL_stands_only_in_the_database_room_and_in_stores() =>
        Assert.That(Sources("Shared", "Sparkle", "Twilight").SelectMany(file => SourceRules.Sql(file.Path, file.Text)), Is.Empty);

    [Test]
    public void No_test_sleeps() =>
        Assert.That(Sources("tests").SelectMany(file => SourceRules.NoSleep(file.Path, file.Text)), Is.Empty);

    [Test]
    public void No_exception_is_swallowed() =>
        Assert.That(
            Sources("Shared", "Sparkle", "Twilight", "tests").SelectMany(file => SourceRules.NoEmptyCatch(file.Path, file.Text)), Is.Empty);

    [Test]
    public void The_solution_is_classic_and_whole()
    {
        var solutions = Directory.GetFiles(Repository.Root, "*.sln*").Select(path => Path.GetFileName(path)!).ToList();
        Assert.That(solutions, Is.EqualTo(["PonyCloud.sln"]));
        var projects = Files("*.csproj", "Shared", "Sparkle", "Twilight", "tests").ToList();
        Assert.That(projects, Has.Count.GreaterThanOrEqualTo(4));
        Assert.That(SourceRules.Solution(solutions[0], File.ReadAllText(Repository.At(solutions[0])), projects), Is.Empty);
    }

    private static List<(string Path, string Text)> Sources(params string[] directories)
    {
        var files = Files("*.cs", directories).Select(path => (path, File.ReadAllText(Repository.At(path)))).ToList();
        Assert.That(files, Is.Not.Empty, "nothing to look at");
        return files;
    }

    /// <summary>Relative paths, with what a build made left out.</summary>
    private static IEnumerable<string> Files(string pattern, params string[] directories) =>
        from directory in directories
        from path in Directory.EnumerateFiles(Repository.At(directory), pattern, SearchOption.AllDirectories)
        let relative = Path.GetRelativePath(Repository.Root, path)
        where !relative.Split('/').Any(part => part is "bin" or "obj")
        select relative;
}
