using PonyCloud.Twilight.Devices;

namespace PonyCloud.Twilight.Tests.Devices;

/// <summary>
/// Devices as udev and sysfs show them, in the folder Recorded: paragraphs of lines with P the path, E a property, A an
/// attribute, M what it is made of.
/// </summary>
internal static class RecordedDevices
{
    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.GetFiles(Folder, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)];

    private static string Folder => TestKit.Processes.Repository.At("tests", "Twilight.Tests", "Devices", "Recorded");

    public static IReadOnlyList<BlockDevice> Load(string name) => [.. File.ReadAllText(Path.Combine(Folder, name + ".txt"))
        .Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
        .Select(paragraph => Parse(paragraph.Split('\n', StringSplitOptions.RemoveEmptyEntries)))];

    /// <summary>The device with a property or attribute set to something else, or, with null, taken away.</summary>
    public static BlockDevice With(this BlockDevice device, string name, string? value)
    {
        var isProperty = char.IsAsciiLetterUpper(name[0]);
        var changed = new Dictionary<string, string>(isProperty ? device.Properties : device.Attributes);
        changed.Remove(name);
        if (value is not null)
            changed.Add(name, value);
        return isProperty ? device with { Properties = changed } : device with { Attributes = changed };
    }

    private static BlockDevice Parse(string[] lines)
    {
        return new BlockDevice
        {
            DevicePath = Of('P').Single(),
            Properties = Pairs('E'),
            Attributes = Pairs('A'),
            MadeOf = [.. Of('M').SelectMany(names => names.Split(' '))],
        };

        IEnumerable<string> Of(char kind) => lines.Where(line => line[0] == kind).Select(line => line[3..]);

        Dictionary<string, string> Pairs(char kind) =>
            Of(kind).Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
    }
}
