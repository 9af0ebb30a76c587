using System.Globalization;
using System.Net;
using System.Text;
using PonyCloud.Pony.Http;

namespace PonyCloud.Pony.Consoles;

/// <summary>Prints what an instance wrote to its serial port, as it came to a file or a pipe, and harmless to a terminal.</summary>
internal sealed class ConsoleLog(Session session, string path, long? tail, bool follow)
{
    private const string EndHeader = "Console-End";

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        await using var output = session.Terminal.OpenOutput();
        var end = await PrintAsync(output, tail is null ? "" : $"?tail={tail}", cancellation);
        using var timer = new PeriodicTimer(Period, session.Terminal.Time);
        while (follow && await timer.WaitForNextTickAsync(cancellation))
            end = await PrintAsync(output, $"?offset={end}", cancellation);
        return ExitCode.Ok;
    }

    /// <returns>Where the log ended.</returns>
    private async Task<long> PrintAsync(Stream output, string query, CancellationToken cancellation)
    {
        using var answer = await session.ExchangeAsync(ApiRequest.Get($"{path}/console/log{query}"), "text/plain, application/problem+json", cancellation);
        var bytes = await answer.Content.ReadAsByteArrayAsync(cancellation);
        if (answer.StatusCode != HttpStatusCode.OK)
            throw new ProblemException(Problem.Read((int)answer.StatusCode, bytes));
        await output.WriteAsync(session.Terminal.IsOutputTerminal ? Harmless(bytes) : bytes, cancellation);
        await output.FlushAsync(cancellation);
        return answer.Headers.TryGetValues(EndHeader, out var values)
            && long.TryParse(values.Single(), NumberStyles.None, CultureInfo.InvariantCulture, out var end)
                ? end
                : throw new PonyException(ExitCode.Unavailable, "The server's answer does not say where the log ended.");
    }

    private byte[] Harmless(byte[] bytes)
    {
        var text = new char[_decoder.GetCharCount(bytes, flush: false)];
        _decoder.GetChars(bytes, text, flush: false);
        return Encoding.UTF8.GetBytes(string.Concat(text.Where(character => character is '\n' or '\t' || !char.IsControl(character))));
    }
}
