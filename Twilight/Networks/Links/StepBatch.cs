using System.Globalization;
using System.Text.RegularExpressions;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>Steps that one run of a tool carries out.</summary>
internal sealed partial class StepBatch
{
    /// <summary>
    /// What a pipe takes at once, with some room: so a tool has either all of it or nothing when the agent dies, and never half a line,
    /// which could mean something else.
    /// </summary>
    private const int CharsMax = 32 * 1024;

    private readonly List<(NetworkStep Step, string Line)> _lines = [];
    private readonly StepTool _tool;
    private readonly string _space;
    private int _length;

    private StepBatch(StepTool tool, string space)
    {
        _tool = tool;
        _space = space;
    }

    public ToolCall Call
    {
        get
        {
            string[] inside = _space.Length > 0 ? ["-n", _space] : [];
            var text = string.Concat(_lines.Select(line => line.Line + "\n"));
            return _tool switch
            {
                StepTool.Ip => new ToolCall("ip", [.. inside, "-batch", "-"]) { Input = text },
                StepTool.Ip6 => new ToolCall("ip", ["-6", .. inside, "-batch", "-"]) { Input = text },
                StepTool.Bridge => new ToolCall("bridge", [.. inside, "-batch", "-"]) { Input = text },
                _ when _space.Length > 0 => new ToolCall("nsenter", [$"--net=/run/netns/{_space}", "--", "sysctl", "-q", "-w", .. _lines.Select(line => line.Line)]),
                _ => new ToolCall("sysctl", ["-q", "-w", .. _lines.Select(line => line.Line)]),
            };
        }
    }

    /// <summary>As few as their order allows.</summary>
    /// <exception cref="Networks.NetworkException">A step cannot be said.</exception>
    public static IEnumerable<StepBatch> Of(IEnumerable<NetworkStep> steps)
    {
        StepBatch? current = null;
        foreach (var step in steps)
        {
            var command = StepText.For(step);
            var length = command.Lines.Sum(line => line.Length + 1);
            if (current is not null && (current._tool != command.Tool || current._space != command.Namespace || current._length + length > CharsMax))
            {
                yield return current;
                current = null;
            }
            current ??= new StepBatch(command.Tool, command.Namespace);
            current._length += length;
            current._lines.AddRange(command.Lines.Select(line => (step, line)));
        }
        if (current is not null)
            yield return current;
    }

    /// <summary>Which step failed, and what the kernel said.</summary>
    public NetworkException Explain(ToolException failure)
    {
        var step = FindFailed(failure.Message);
        var words = Line().Replace(failure.Message, "").Trim();
        return new NetworkException(step is null ? words : $"{words} ({StepText.Of(step)})", step, failure);
    }

    private NetworkStep? FindFailed(string words)
    {
        if (_tool == StepTool.Sysctl)
            return _lines.FirstOrDefault(line => words.Contains(line.Line[..line.Line.IndexOf('=')], StringComparison.Ordinal)).Step ?? _lines[0].Step;
        if (Line().Match(words) is { Success: true } match)
            return int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) is var number && number <= _lines.Count ? _lines[number - 1].Step : null;
        // A word that it cannot make sense of, such as a link that is not there, ends it before it says where.
        if (Word().Match(words) is { Success: true } wrong)
            return _lines.FirstOrDefault(line => line.Line.Split(' ').Contains(wrong.Groups[1].Value)).Step;
        // So does a neighbour that the kernel refuses; of several it is not known which.
        var neighbours = _lines.Where(line => line.Step is NetworkStep.AddNeighbour or NetworkStep.RemoveNeighbour).ToList();
        return neighbours.Count == 1 ? neighbours[0].Step : null;
    }

    [GeneratedRegex("argument \"([^\"]+)\" is wrong")]
    private static partial Regex Word();

    [GeneratedRegex(@"\s*Command failed -:(\d+)")]
    private static partial Regex Line();
}
