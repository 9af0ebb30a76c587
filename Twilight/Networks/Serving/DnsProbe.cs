using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Serving;

/// <summary>Asks a name server in a namespace, which the agent itself is not in, for something. Any answer will do.</summary>
internal static class DnsProbe
{
    // A question (RFC 1035, 4.1) for the address of probe.internal, as printf writes it: nobody else is asked about that.
    private const string Question = @"PC\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05probe\x08internal\x00\x00\x01\x00\x01";

    // Each read is one answer, so one byte of it is all that head waits for.
    private const string Ask = "exec 3<>/dev/udp/$0/53 && printf \"$1\" >&3 && exec timeout 3 head -c 1 <&3";
    private const int NothingListens = 1;
    private const int NothingCame = 124;

    /// <exception cref="ToolException">It could not be asked.</exception>
    internal static async Task<bool> AnswersAsync(IToolRunner tools, string @namespace, string address, CancellationToken cancellationToken)
    {
        var call = new ToolCall("ip", "netns", "exec", @namespace, "bash", "-c", Ask, address, Question)
        {
            Accepted = [0, NothingListens, NothingCame],
        };
        var result = await tools.RunAsync(call, cancellationToken);
        return result.ExitCode == 0;
    }
}
