using System.Text.Json.Nodes;
using NUnit.Framework;
using PonyCloud.Pony.Commands;
using PonyCloud.Pony.Profiles;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Pony.Tests;

/// <summary>What came of a command.</summary>
internal sealed record Outcome(int Code, string Output, string Error)
{
    public JsonObject Json => JsonNode.Parse(Output)!.AsObject();

    public override string ToString() => $"exit code {Code}\n{Output}\n--- standard error\n{Error}";
}

/// <summary>Commands against a server of their own, with a directory for profiles of their own.</summary>
internal abstract class PonyFixture
{
    private TemporaryDirectory _home = null!;

    protected ApiServer Server { get; private set; } = null!;

    protected ProfileStore Store => new(_home["ponycloud"]);

    protected string Home => _home.Path;

    /// <summary>Variables of the environment.</summary>
    protected Dictionary<string, string> Variables { get; } = [];

    [SetUp]
    public async Task StartAsync()
    {
        _home = new TemporaryDirectory("pony");
        Variables.Clear();
        Variables["XDG_CONFIG_HOME"] = _home.Path;
        Server = await ApiServer.StartAsync();
    }

    [TearDown]
    public async Task StopAsync()
    {
        await Server.DisposeAsync();
        _home.Dispose();
    }

    /// <summary>Is logged in, without the detour over the password.</summary>
    protected void LoggedIn(string email)
    {
        Store.Save(ProfileStore.DefaultName, new Profile
        {
            Server = Server.Address,
            Email = email,
            Token = Server.Token(email),
            Alicorn = email == ApiServer.Alicorn,
        });
    }

    protected string WriteFile(string name, string text)
    {
        var path = _home[name];
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Runs a command where nobody sits in front of a terminal.</summary>
    protected Task<Outcome> RunAsync(params string[] arguments) => RunAsync(terminal => terminal, arguments);

    protected Task<Outcome> RunAsync(Func<Terminal, Terminal> change, params string[] arguments) =>
        RunAsync(change, CancellationToken.None, arguments);

    protected async Task<Outcome> RunAsync(Func<Terminal, Terminal> change, CancellationToken cancellation, params string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Eventually.Patience);
        var code = await CommandLine.RunAsync(arguments, change(TerminalOf(output, error)), limit.Token);
        return new Outcome(code, output.ToString(), error.ToString());
    }

    /// <summary>Runs a command that has to succeed.</summary>
    protected async Task<Outcome> DoAsync(params string[] arguments)
    {
        var outcome = await RunAsync(arguments);
        Assert.That(outcome.Code, Is.Zero, $"pony {string.Join(' ', arguments)}: {outcome}");
        return outcome;
    }

    protected Terminal TerminalOf(TextWriter output, TextWriter error) => new()
    {
        Input = new StringReader(""),
        Output = output,
        Error = error,
        Variable = name => Variables.GetValueOrDefault(name),
        ReadSecretAsync = _ => throw new InvalidOperationException("Nobody is there to be asked."),
    };
}
