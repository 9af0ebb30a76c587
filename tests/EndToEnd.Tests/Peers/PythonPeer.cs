using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Peers;

/// <summary>
/// A peer that was written in another language, from the specification of the wire alone: the scripts beside this file
/// say what they are told and what they tell.
/// </summary>
public sealed class PythonPeer : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private PythonPeer(ChildProcess process) => _process = process;

    /// <summary>How much it has told so far, for asking about what comes after this.</summary>
    public int Now => _process.Lines.Count;

    /// <param name="script">Such as <c>twilight.py</c>.</param>
    public static PythonPeer Start(string script, params ReadOnlySpan<string> arguments) => new(ChildProcess.Start(
        // The distribution's own, which has the packages of the distribution. -B: no compiled files beside the scripts.
        "/usr/bin/python3", ["-B", Path.Combine(AppContext.BaseDirectory, "Peers", script), .. arguments]));

    /// <summary>One change as it is on the wire.</summary>
    /// <param name="row">Null when the part is gone.</param>
    public static JArray Change(string table, object key, string part, object? row) => JArray.FromObject(new[] { table, key, part, row });

    /// <summary>Changes its own rows and has it tell so.</summary>
    public Task ChangeAsync(params IEnumerable<JArray> changes) => OrderAsync(new { @do = "change", changes });

    /// <summary>Changes its own rows; the message that tells so never arrives.</summary>
    public Task LoseAsync(params IEnumerable<JArray> changes) => OrderAsync(new { @do = "lose", changes });

    /// <summary>Has it send exactly this.</summary>
    public Task SendAsync(object message) => OrderAsync(new { @do = "send", message });

    /// <summary>Has it forget its stream and ask for everything.</summary>
    public Task AskAsync() => OrderAsync(new { @do = "ask" });

    /// <summary>Waits for a message that comes to it.</summary>
    /// <param name="from">Only lines after this one count.</param>
    public Task<JObject> ReceivesAsync(string name, Func<JObject, bool>? isIt = null, int from = 0) =>
        MessageAsync("received", name, isIt, from);

    /// <summary>Waits until it has sent such a message.</summary>
    public Task<JObject> SendsAsync(string name, Func<JObject, bool>? isIt = null, int from = 0) =>
        MessageAsync("sent", name, isIt, from);

    /// <summary>Waits until its copy of the other side's rows is as described.</summary>
    /// <param name="isIt">Given the rows by table; each is the row itself.</param>
    public async Task<ILookup<string, JObject>> HoldsAsync(string what, Func<ILookup<string, JObject>, bool> isIt, int from = 0)
    {
        var line = await LineAsync(what, parsed => (string?)parsed["saw"] == "copy" && isIt(RowsOf(parsed)), from);
        return RowsOf(line);
    }

    /// <summary>Messages that it received or sent, oldest first.</summary>
    /// <param name="saw"><c>received</c> or <c>sent</c>.</param>
    public IReadOnlyList<JObject> Messages(string saw, string name, int from = 0) =>
    [
        .. _process.Lines.Skip(from).Select(Parse).OfType<JObject>()
            .Where(line => (string?)line["saw"] == saw)
            .Select(line => (JObject)line["message"]!)
            .Where(message => (string?)message["event"] == name),
    ];

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // It runs until its input ends.
            _process.Input.Close();
            await _process.WaitForExitAsync();
        }

        await _process.DisposeAsync();
    }

    private static ILookup<string, JObject> RowsOf(JObject line) =>
        line["rows"]!.ToLookup(row => (string)row[0]!, row => (JObject)row[3]!);

    private async Task<JObject> MessageAsync(string saw, string name, Func<JObject, bool>? isIt, int from)
    {
        var line = await LineAsync(
            $"that {name} was {saw}",
            parsed => (string?)parsed["saw"] == saw && parsed["message"] is JObject message
                && (string?)message["event"] == name && isIt?.Invoke(message) != false,
            from);
        return (JObject)line["message"]!;
    }

    private async Task<JObject> LineAsync(string what, Func<JObject, bool> isIt, int from)
    {
        var seen = 0;
        return Parse(await _process.WaitForLineAsync(what, line => seen++ >= from && Parse(line) is { } parsed && isIt(parsed)))!;
    }

    private async Task OrderAsync(object order)
    {
        await _process.Input.WriteLineAsync(JsonConvert.SerializeObject(order));
        await _process.Input.FlushAsync();
    }

    // What Python says about its own errors is no JSON; it is shown when a wait fails.
    private static JObject? Parse(string line) => line.StartsWith('{')
        ? JsonConvert.DeserializeObject<JObject>(line, new JsonSerializerSettings { DateParseHandling = DateParseHandling.None })
        : null;
}
