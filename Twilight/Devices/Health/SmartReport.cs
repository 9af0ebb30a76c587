using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Devices.Health;

/// <summary>Reads what <c>smartctl --json</c> (7.3) says; pure. The bits of the exit status are those of smartctl(8).</summary>
internal static class SmartReport
{
    private const int CommandFailed = 1 << 2;
    private const int DiskFailing = 1 << 3;
    private const int PrefailNow = 1 << 4;
    private const int NotAsked = 1 << 0 | 1 << 1;

    // NVM Express base specification, SMART / health information log: critical warning.
    private static readonly string[] NvmeWarnings =
    [
        "its spare space is used up", "its temperature is out of range", "its reliability is degraded", "it has become read-only",
        "its volatile memory is not backed up any more", "its persistent memory has become unreliable",
    ];

    /// <returns>Null when the disk sleeps.</returns>
    public static HealthReading? Judge(int exitStatus, string json)
    {
        JsonElement report;
        try
        {
            using var document = JsonDocument.Parse(json);
            report = document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return new HealthReading(DiskHealth.Unknown, $"smartctl ended with status {exitStatus} and without a report.");
        }
        var status = Find(report, "smart_status");
        var passed = Find(status, "passed")?.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => (bool?)null };
        if (passed == false || (exitStatus & DiskFailing) != 0)
            return new HealthReading(DiskHealth.Failing, $"The disk says that it is failing{Listed(": ", Warnings(status))}.");
        if ((exitStatus & PrefailNow) != 0)
        {
            return new HealthReading(
                DiskHealth.Failing, $"An attribute that predicts failure is at its threshold{Listed(": ", FailingAttributes(report))}.");
        }
        if (passed == true)
            return new HealthReading(DiskHealth.Passed);
        if (Find(Find(report, "smart_support"), "available") is { ValueKind: JsonValueKind.False })
            return new HealthReading(DiskHealth.Unknown, "It does not watch its health.");
        if ((exitStatus & (NotAsked | CommandFailed)) != 0 || Messages(report).Any())
            return new HealthReading(DiskHealth.Unknown, $"It cannot be asked{Listed(": ", Messages(report))}.");
        return null;
    }

    private static IEnumerable<string> Warnings(JsonElement? status)
    {
        if (Find(Find(status, "nvme"), "value") is not { ValueKind: JsonValueKind.Number } number || !number.TryGetInt32(out var bits))
            return [];
        return NvmeWarnings.Where((_, bit) => (bits & 1 << bit) != 0);
    }

    private static IEnumerable<string> FailingAttributes(JsonElement report) =>
        from attribute in Items(Find(Find(report, "ata_smart_attributes"), "table"))
        where TextOf(attribute, "when_failed") == "now"
        select TextOf(attribute, "name");

    private static IEnumerable<string> Messages(JsonElement report) =>
        from message in Items(Find(Find(report, "smartctl"), "messages"))
        where TextOf(message, "severity") == "error"
        select TextOf(message, "string");

    private static string Listed(string before, IEnumerable<string?> texts) =>
        string.Join(", ", texts.OfType<string>()) is { Length: > 0 } list ? before + list.TrimEnd('.') : "";

    private static JsonElement? Find(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } parent && parent.TryGetProperty(name, out var found) ? found : null;

    private static JsonElement.ArrayEnumerator Items(JsonElement? element) =>
        element is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : default;

    private static string? TextOf(JsonElement element, string name) =>
        Find(element, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
