using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Pony.Tests;

/// <summary>What a shell offers while somebody types.</summary>
internal sealed class CompletionTests : PonyFixture
{
    [TestCase("", "apply|create|delete|get|login|set|stop")]
    [TestCase("st", "start|stop")]
    [TestCase("host ", "evacuate|gone|present")]
    [TestCase("get --out", "--output")]
    [TestCase("get -o ", "json|name|table|yaml")]
    [TestCase("get inst", "instance")]
    [TestCase("get /h", "/host|/host-candidate")]
    [TestCase("get instance ", "db|web")]
    [TestCase("get instance/w", "instance/web")]
    [TestCase("get instance/web/", "instance/web/event")]
    [TestCase("stop ", "db|web")]
    [TestCase("stop w", "web")]
    [TestCase("volume ", "download|upload|wait")]
    [TestCase("set instance web v", "vcpu=")]
    [TestCase("set instance web state=", "state=paused|state=running|state=stopped")]
    [TestCase("set instance/web state=r", "state=running")]
    [TestCase("create instance new --set st", "state=|stop_timeout=")]
    [TestCase("get instance -l state=s", "state=stopped")]
    [TestCase("get instance --fields name,st", "name,state|name,status|name,stop_timeout")]
    [TestCase("--tenant ", "acme|bravo")]
    [TestCase("get --profile ", "default")]
    public async Task A_word_becomes_one_of_these(string line, string candidates)
    {
        LoggedIn(ApiServer.Alicorn);
        Variables["PONY_TENANT"] = "acme";

        var outcome = await DoAsync(["__complete", "--", .. line.Split(' ')]);

        var offered = outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(candidates.Split('|'), Is.SubsetOf(offered));
        Assert.That(offered, Is.All.StartsWith(line.Split(' ')[^1]));
    }

    [Test]
    public async Task A_name_that_a_shell_would_carry_out_is_not_offered()
    {
        LoggedIn(ApiServer.Alicorn);
        Server.Database.Put(new TenantDesired { Uuid = Guid.NewGuid(), Name = "$(reboot)" }, new TenantDesired { Uuid = Guid.NewGuid(), Name = "a b" });

        var outcome = await DoAsync("__complete", "--", "get", "tenant", "");

        Assert.That(outcome.Output, Is.EqualTo("acme\nbravo\n"));
    }

    [TestCase("pony set instance web state=r", "running")]
    [TestCase("pony set instance web st", "state= stop_timeout=")]
    [TestCase("pony get instance ", "db web")]
    public async Task Bash_offers_what_pony_says(string line, string offered)
    {
        LoggedIn(ApiServer.Alicorn);
        Variables["PONY_TENANT"] = "acme";
        var typed = line.Split(' ')[1..];
        var candidates = await DoAsync(["__complete", "--", .. typed]);
        var script = WriteFile("completion.bash", (await DoAsync("completion", "bash")).Output);
        // In place of pony stands what it said.
        var said = WriteFile("said", candidates.Output);

        var reply = await ChildProcess.RunAsync("bash", [
            "--norc", "-c",
            "compopt() { :; }; pony() { cat \"$SAID\"; }; source \"$0\"; COMP_LINE=$1; COMP_POINT=${#1}; _pony; echo \"${COMPREPLY[*]}\"",
            script, line,
        ], environment: new Dictionary<string, string> { ["SAID"] = said });

        Assert.That(reply, Is.EqualTo(offered));
    }
}
