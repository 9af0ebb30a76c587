using NUnit.Framework;
using PonyCloud.Shared.Tests.Architecture.Samples.Lower;

namespace PonyCloud.Shared.Tests.Architecture;

/// <summary>Each rule notices what breaks it, and leaves alone what does not.</summary>
public sealed class RulesTests
{
    private const string Samples = "PonyCloud.Shared.Tests.Architecture.Samples";

    private static readonly Type[] Types = typeof(RulesTests).Assembly.GetTypes();

    [TestCase(typeof(ByField))]
    [TestCase(typeof(ByBase))]
    [TestCase(typeof(ByInterface))]
    [TestCase(typeof(ByAttribute))]
    [TestCase(typeof(ByParameter))]
    [TestCase(typeof(ByReturn))]
    [TestCase(typeof(ByGenericArgument))]
    [TestCase(typeof(ByConstraint<>))]
    [TestCase(typeof(ByMethodBody))]
    [TestCase(typeof(ByTypeOf))]
    [TestCase(typeof(ByLambda))]
    [TestCase(typeof(ByIterator))]
    public void A_layer_that_uses_one_above_it_is_noticed(Type type)
    {
        // Lambdas and iterators become types inside the type.
        var family = Types.Where(candidate => Outermost(candidate) == type);
        Assert.That(AssemblyRules.Layers(family, Samples + ".Lower", Samples + ".Upper"), Is.Not.Empty);
    }

    [Test]
    public void A_layer_that_uses_one_below_it_is_fine()
    {
        Assert.That(AssemblyRules.Layers(Types, Samples + ".Upper", Samples + ".Lower"), Is.Empty);
        Assert.That(AssemblyRules.Layers([typeof(Good)], Samples + ".Lower", Samples + ".Upper"), Is.Empty);
    }

    [Test]
    public void A_reference_to_a_forbidden_assembly_is_noticed()
    {
        Assert.That(AssemblyRules.NoReference(typeof(RulesTests).Assembly, "ponycloud.shared"), Is.Not.Empty);
        Assert.That(AssemblyRules.NoReference(typeof(RulesTests).Assembly, "twilight"), Is.Empty);
    }

    [TestCase("Clock")]
    [TestCase("Chance")]
    [TestCase("Identity")]
    [TestCase("Tasks")]
    [TestCase("Files")]
    public void What_is_not_pure_is_noticed(string name)
    {
        var family = Types.Where(type => Outermost(type).FullName == $"{Samples}.Impure.{name}");
        Assert.That(AssemblyRules.Pure(family, Samples + ".Impure"), Is.Not.Empty);
    }

    [Test]
    public void What_is_pure_is_left_alone() => Assert.That(AssemblyRules.Pure([typeof(Good)], Samples), Is.Empty);

    [TestCase("Import")]
    [TestCase("Load")]
    public void Native_code_outside_of_its_homes_is_noticed(string name)
    {
        var family = Types.Where(type => type.FullName == $"{Samples}.Native.{name}").ToList();
        Assert.That(AssemblyRules.NativeCode(family, "PonyCloud.Elsewhere"), Is.Not.Empty);
        Assert.That(AssemblyRules.NativeCode(family, Samples + ".Native"), Is.Empty);
    }

    [TestCase("var a = \"SELECT a, b FROM host\";")]
    [TestCase("var a = $\"\"\"\n  SELECT *\n  FROM {table}\n  \"\"\";")]
    [TestCase("var a = @\"a \"\"b\"\" INSERT INTO host\";")]
    [TestCase("var a = \"update host set name = 'a'\";")]
    [TestCase("var a = \"\\\"\" + \"DELETE FROM host\";")]
    [TestCase("var a = '\"'; var b = \"CREATE TABLE host\";")]
    public void SQL_outside_of_its_home_is_noticed(string code)
    {
        Assert.That(SourceRules.Sql("Sparkle/Hosts/Session.cs", code), Is.Not.Empty);
        Assert.That(SourceRules.Sql("Sparkle/Database/Writer.cs", code), Is.Empty);
        Assert.That(SourceRules.Sql("Sparkle/Events/EventStore.cs", code), Is.Empty);
    }

    [TestCase("// SELECT a FROM b")]
    [TestCase("/* INSERT INTO host */")]
    [TestCase("throw new Exception(\"cannot select a host from the list\");")]
    [TestCase("var a = \"select\"; var b = \"from\";")]
    [TestCase("from a in b select a.FROM")]
    public void What_is_not_SQL_is_left_alone(string code) => Assert.That(SourceRules.Sql("Sparkle/Hosts/Session.cs", code), Is.Empty);

    [TestCase("Thread.Sleep(1);")]
    [TestCase("await Task.Delay(TimeSpan.FromSeconds(1));")]
    [TestCase("await Task\n    .Delay(1);")]
    public void A_test_that_sleeps_is_noticed(string code) => Assert.That(SourceRules.NoSleep("tests/A.cs", code), Is.Not.Empty);

    [TestCase("// Thread.Sleep(1)")]
    [TestCase("var text = \"Task.Delay(1)\";")]
    public void A_test_that_speaks_of_sleep_is_left_alone(string code) => Assert.That(SourceRules.NoSleep("tests/A.cs", code), Is.Empty);

    [TestCase("try { A(); } catch { }")]
    [TestCase("try { A(); } catch (IOException)\n{\n}")]
    [TestCase("try { A(); } catch (IOException e) when (e.HResult == 1) { }")]
    [TestCase("try { A(); } catch\n{\n    // never mind\n}")]
    [TestCase("try { A(); } catch (Exception e) { /* never mind */ }")]
    public void A_swallowed_exception_is_noticed(string code) => Assert.That(SourceRules.NoEmptyCatch("A.cs", code), Is.Not.Empty);

    [TestCase("try { A(); } catch (IOException) { // It ended meanwhile.\n }")]
    [TestCase("try { A(); } catch { Undo(); throw; }")]
    [TestCase("// catch { }")]
    public void A_handled_exception_is_left_alone(string code) => Assert.That(SourceRules.NoEmptyCatch("A.cs", code), Is.Empty);

    [Test]
    public void A_violation_says_where_it_is() =>
        Assert.That(SourceRules.NoSleep("tests/A.cs", "a\n/* b\n */ \"\"\"\nc\n\"\"\"\nThread.Sleep(1)").Single(), Does.StartWith("tests/A.cs:6 "));

    [Test]
    public void Another_format_of_solution_or_a_missing_project_is_noticed()
    {
        const string Classic = "\uFEFF\r\nMicrosoft Visual Studio Solution File, Format Version 12.00\r\n\"Shared\\Shared.csproj\"";
        Assert.That(SourceRules.Solution("PonyCloud.sln", Classic, ["Shared/Shared.csproj"]), Is.Empty);
        Assert.That(SourceRules.Solution("PonyCloud.sln", Classic, ["tests/A/A.csproj"]), Is.Not.Empty);
        Assert.That(SourceRules.Solution("PonyCloud.slnx", Classic, []), Is.Not.Empty);
        Assert.That(SourceRules.Solution("PonyCloud.sln", "<Solution></Solution>", []), Is.Not.Empty);
    }

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}
