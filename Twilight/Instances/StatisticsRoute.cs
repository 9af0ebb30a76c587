using Microsoft.AspNetCore.Http;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Instances;

/// <summary>Answers <c>/metrics</c> with what the host's instances have used. Read anew each time, in one call to the hypervisor; one at a time.</summary>
public sealed class StatisticsRoute(IHypervisor hypervisor) : IHostRoute, IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <inheritdoc/>
    public string Name => "metrics";

    /// <inheritdoc/>
    public async Task AnswerAsync(HttpContext context, string rest, CancellationToken stopping)
    {
        if (rest.Length > 0)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status404NotFound, "There is nothing of this name.");
            return;
        }
        if (!HttpMethods.IsGet(context.Request.Method))
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "Statistics are only read.");
            return;
        }
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        string text;
        await _turn.WaitAsync(ending.Token);
        try
        {
            text = StatisticsText.Of(await hypervisor.ReadStatisticsAsync(ending.Token));
        }
        catch (HypervisorException exception)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, exception.Message);
            return;
        }
        finally
        {
            _turn.Release();
        }
        context.Response.ContentType = StatisticsText.MediaType;
        await context.Response.WriteAsync(text, ending.Token);
    }

    public void Dispose() => _turn.Dispose();
}
